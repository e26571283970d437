"""API keys: who is let in by one, and who makes them."""

from payorch.application.admit_api_caller import AdmitApiCallerUseCase, ApiEntrance
from payorch.application.manage_api_keys import ManageApiKeysUseCase
from payorch.config import Settings
from payorch.domain.api_key import KeyMode
from payorch.infrastructure.persistence.api_key_book import SqlAlchemyApiKeyBook
from payorch.infrastructure.security.api_key_secrets import DerivedApiKeySecrets
from payorch.wiring.base import Base


def api_caller_admission(settings: Settings, base: Base) -> AdmitApiCallerUseCase:
    entrance = ApiEntrance(
        mode=_mode(settings),
        token=settings.api_token,
        is_open_without_keys=not settings.is_production,
    )
    return AdmitApiCallerUseCase(
        SqlAlchemyApiKeyBook(base.transactions), _secrets(settings), base.clock, entrance
    )


def api_key_management(settings: Settings, base: Base) -> ManageApiKeysUseCase:
    return ManageApiKeysUseCase(
        SqlAlchemyApiKeyBook(base.transactions), _secrets(settings), base.clock, _mode(settings)
    )


def _mode(settings: Settings) -> KeyMode:
    """Production takes real money and refuses the practice provider: nothing else is live."""
    return KeyMode.LIVE if settings.is_production else KeyMode.TEST


def _secrets(settings: Settings) -> DerivedApiKeySecrets:
    return DerivedApiKeySecrets(settings.secret_key, settings.secret_key_fallbacks)
