"""How often somebody may check out, look up orders, call the API and take exports away."""

from datetime import timedelta

from payorch.application.request_limits import Limited, LimitRequestsUseCase, RequestLimit
from payorch.config import Settings
from payorch.infrastructure.persistence.request_counts import SqlAlchemyRequestCounts
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from payorch.wiring.base import Base

_TEN_MINUTES = timedelta(minutes=10)


def request_limits(settings: Settings, base: Base) -> LimitRequestsUseCase:
    return LimitRequestsUseCase(
        SqlAlchemyRequestCounts(base.transactions),
        SecretKeyedHashes(settings.secret_key),
        base.clock,
        {
            Limited.CHECKOUT_ADDRESS: RequestLimit(
                settings.max_checkouts_per_address, _TEN_MINUTES
            ),
            Limited.CHECKOUT_EMAIL: RequestLimit(settings.max_checkouts_per_email, _TEN_MINUTES),
            Limited.LOOKUP_ADDRESS: RequestLimit(settings.max_lookups_per_address, _TEN_MINUTES),
            Limited.API_KEY: RequestLimit(settings.max_api_calls_per_min, timedelta(minutes=1)),
            Limited.EXPORT_STAFF: RequestLimit(settings.max_exports_per_hour, timedelta(hours=1)),
        },
    )
