"""Payment methods as rows, and the whole configuration as of one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from payorch.application.configuration import Configuration, OperatingMode, Segment
from payorch.domain.adaptive_shares import AdaptiveMode, Shares
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.payment_method import AmountLimits, Capabilities, PaymentMethodVO
from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.persistence.adaptive_share_book import shares_in_force
from payorch.infrastructure.persistence.configuration_revision import bump_revision
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.decline_rulings import rulings_in_force
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.routing_document import policy_from_document
from payorch.infrastructure.persistence.running_trial import TRIAL_COLUMNS, trial_from
from payorch.infrastructure.persistence.tables import (
    ConfigurationRow,
    PaymentMethodRow,
    PolicyTrialRow,
    RoutingPolicyRow,
)

# One statement is one snapshot also at PostgreSQL's READ COMMITTED. The policy's small document
# comes once per method, which is cheaper than a second round trip. Rulings are read after it: a
# newer ruling under an older revision does no harm, the other way round it would be missed.
_CONFIGURATION = (
    select(
        ConfigurationRow.revision,
        ConfigurationRow.policy_version,
        ConfigurationRow.mode,
        RoutingPolicyRow.document,
        *TRIAL_COLUMNS,
        PaymentMethodRow.__table__,
    )
    .select_from(ConfigurationRow)
    .outerjoin(RoutingPolicyRow, RoutingPolicyRow.version == ConfigurationRow.policy_version)
    .outerjoin(PolicyTrialRow, PolicyTrialRow.is_running.is_(True))
    .outerjoin(PaymentMethodRow, true())
    .where(ConfigurationRow.id == 1)
    .order_by(PaymentMethodRow.code)
)


class SqlAlchemyPaymentMethodRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load_configuration(self) -> Configuration:
        """Methods in the policy's order; those it does not know come last, by code."""
        with self._database.read() as connection:
            rows = connection.execute(_CONFIGURATION).mappings().all()
            rulings = rulings_in_force(connection)
            policy = _policy_of(rows[0]) if rows else RoutingPolicy(0, ())
            shares: Mapping[Segment, Shares] = {}
            if policy.adaptive.mode is AdaptiveMode.ON:
                shares = shares_in_force(connection, policy.version)
        if not rows:
            return Configuration(revision=0, methods=(), policy=policy)
        methods = [_method_from_row(row, policy) for row in rows if row["code"] is not None]
        return Configuration(
            rows[0]["revision"],
            tuple(_in_policy_order(methods, policy)),
            policy,
            OperatingMode(rows[0]["mode"]),
            rulings,
            shares,
            trial_from(rows[0]),
        )

    def add(self, method: PaymentMethodVO, *, at: datetime) -> bool:
        dialect = sqlite if self._database.is_sqlite else postgresql
        statement = dialect.insert(PaymentMethodRow).values(
            **_row_values(method), version=1, created_at=at, updated_at=at
        )
        statement = statement.on_conflict_do_nothing().returning(PaymentMethodRow.id)
        with self._database.tx() as connection:
            is_new = connection.scalar(statement) is not None
            if is_new:
                bump_revision(connection)
        return is_new

    def set_enabled(
        self, code: str, *, is_enabled: bool, actor: str, reason: str, at: datetime
    ) -> bool:
        with self._database.tx() as connection:
            changed = connection.execute(
                update(PaymentMethodRow)
                .where(PaymentMethodRow.code == code, PaymentMethodRow.is_enabled != is_enabled)
                .values(is_enabled=is_enabled, version=PaymentMethodRow.version + 1, updated_at=at)
            )
            if changed.rowcount == 0:
                known = select(PaymentMethodRow.id).where(PaymentMethodRow.code == code)
                if connection.scalar(known) is None:
                    raise PaymentMethodNotFound(f"There is no payment method {code!r}.")
                return False
            bump_revision(connection)
            insert_entry(
                connection,
                actor=actor,
                action="enable_payment_method" if is_enabled else "disable_payment_method",
                subject=f"payment_method:{code}",
                reason=reason,
                before={"is_enabled": not is_enabled},
                after={"is_enabled": is_enabled},
                at=at,
            )
        return True


def _policy_of(row: RowMapping) -> RoutingPolicy:
    if row["document"] is None:
        return RoutingPolicy(row["policy_version"], ())
    return policy_from_document(row["policy_version"], row["document"])


def _in_policy_order(
    methods: Sequence[PaymentMethodVO], policy: RoutingPolicy
) -> list[PaymentMethodVO]:
    place = {entry.provider_code: index for index, entry in enumerate(policy.entries)}
    return sorted(methods, key=lambda m: (m.priority, place.get(m.code, len(place))))


def _method_from_row(row: RowMapping, policy: RoutingPolicy) -> PaymentMethodVO:
    entry = policy.place_of(row["code"])
    after_all_others = max((e.tier for e in policy.entries), default=0) + 1
    return PaymentMethodVO(
        code=row["code"],
        display_name=row["display_name"],
        kind=row["kind"],
        connector=row["connector"],
        account=row["account"],
        countries=frozenset(row["countries"]),
        currencies=frozenset(row["currencies"]),
        amount_limits={
            currency: AmountLimits(limits["min_minor"], limits["max_minor"])
            for currency, limits in row["amount_limits"].items()
        },
        required_fields=tuple(row["required_fields"]),
        priority=entry.tier if entry else after_all_others,
        weight=entry.weight if entry else 0,
        is_enabled=row["is_enabled"],
        timeout_s=row["timeout_ms"] / 1000,
        max_concurrency=row["max_concurrency"],
        capabilities=_capabilities(row["capabilities"]),
    )


def _capabilities(stored: dict[str, Any]) -> Capabilities:
    """Unknown names are skipped: while a release rolls out, rows of the other one are read too."""
    known = {field.name for field in fields(Capabilities)}
    return Capabilities(**{name: value for name, value in stored.items() if name in known})


def _row_values(method: PaymentMethodVO) -> dict[str, Any]:
    return {
        "code": method.code,
        "display_name": method.display_name,
        "kind": method.kind,
        "connector": method.connector,
        "account": method.account,
        "countries": sorted(method.countries),
        "currencies": sorted(method.currencies),
        "amount_limits": {
            currency: asdict(limits) for currency, limits in method.amount_limits.items()
        },
        "required_fields": list(method.required_fields),
        "capabilities": asdict(method.capabilities),
        "is_enabled": method.is_enabled,
        "timeout_ms": round(method.timeout_s * 1000),
        "max_concurrency": method.max_concurrency,
    }
