"""API keys for tests: made as payorch makes them."""

from collections.abc import Sequence
from datetime import timedelta

from payorch.application.api_keys import NewKey
from payorch.application.manage_api_keys import CreateApiKey, ManageApiKeysUseCase
from payorch.application.ports import Clock
from payorch.config import DEVELOPMENT_SECRET
from payorch.domain.api_key import ALL_SCOPES, KeyMode
from payorch.infrastructure.persistence.api_key_book import SqlAlchemyApiKeyBook
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.security.api_key_secrets import DerivedApiKeySecrets
from payorch.infrastructure.system_clock import SystemClock


def key_book(database: Database) -> SqlAlchemyApiKeyBook:
    return SqlAlchemyApiKeyBook(LedgerTransactions(database, SystemClock()))


def key_desk(
    database: Database,
    *,
    mode: KeyMode = KeyMode.TEST,
    secret_key: str = DEVELOPMENT_SECRET,
    clock: Clock | None = None,
) -> ManageApiKeysUseCase:
    secrets = DerivedApiKeySecrets(secret_key)
    return ManageApiKeysUseCase(key_book(database), secrets, clock or SystemClock(), mode)


def creation(name: str = "Web shop", **changes: object) -> CreateApiKey:
    fields: dict[str, object] = {
        "name": name,
        "scopes": sorted(ALL_SCOPES),
        "actor": "ada@example.org",
        "reason": "the new shop",
        "lifetime": timedelta(days=30),
        **changes,
    }
    return CreateApiKey(**fields)  # type: ignore[arg-type]  # each field is one of the command's


def a_key(database: Database, name: str = "Web shop", **changes: object) -> NewKey:
    """A test key of an installation with the secret key of development."""
    return key_desk(database).create(creation(name, **changes))


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def scopes_but(scope: str) -> Sequence[str]:
    return sorted(ALL_SCOPES - {scope})
