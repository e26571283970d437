"""Settings, read once from the environment at start. Nothing reads the environment later.

Every variable starts with `PAYORCH_`. A secret may come from a file: `PAYORCH_SECRET_KEY_FILE`
instead of `PAYORCH_SECRET_KEY`. Production (`PAYORCH_ENV=production`) refuses unsafe values
instead of running with them; all findings are listed at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Self
from urllib.parse import urlsplit

from payorch.config_problems import (
    MIN_SECRET_LENGTH,
    alert_webhook_problems,
    are_webhook_secrets,
    encryption_problems,
    mail_problems,
    request_limit_problems,
    second_person_problems,
    secret_problems,
    settlement_problems,
    staff_session_problems,
)
from payorch.config_values import parsed, parsed_limits, raw_value, variable_of

DEVELOPMENT_SECRET = "development-only-secret-key-never-for-production"  # noqa: S105 - refused in production
DEFAULT_DATABASE_URL = "sqlite:///var/payorch.sqlite3"
DEFAULT_SECOND_PERSON_ABOVE = "*:100000"
"""1,000.00 of any currency with cents: unusual enough to have a second person look."""
DEFAULT_SANDBOX_URL = "http://127.0.0.1:4330"


class InvalidSettings(Exception):
    """The environment holds values payorch will not run with; `problems` lists each one."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("payorch cannot start:\n" + "\n".join(f"  - {line}" for line in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All knobs, with units in their names. `from_env` is the way to make one."""

    env: Literal["development", "production"] = "development"
    secret_key: str = field(default=DEVELOPMENT_SECRET, repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    encryption_key: str | None = field(default=None, repr=False)
    encryption_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    keep_personal_data_days: int = 0
    database_url: str = field(default=DEFAULT_DATABASE_URL, repr=False)
    base_url: str = "http://localhost:4321"
    trusted_hosts: tuple[str, ...] = ()
    proxy_hops: int = 0
    nodes: int = 1
    api_token: str | None = field(default=None, repr=False)
    second_factor: Literal["required", "optional"] | None = None
    refund_second_person_above: str | None = None
    staff_idle_min: int = 15
    staff_session_h: int = 12
    max_password_hashes: int = 2
    sandbox_url: str | None = DEFAULT_SANDBOX_URL
    sandbox_public_url: str | None = None
    sandbox_api_key: str = field(default="practice_key_{account}", repr=False)
    sandbox_webhook_secret: str = field(default="practice_whsec_{account}", repr=False)
    webhook_tolerance_s: float = 300.0
    allow_direct_cards: bool = False
    submission_deadline_s: float = 30.0
    max_providers_per_submission: int = 3
    max_submissions_per_hour: int = 10
    max_declines_per_email: int = 50
    max_declines_per_bin: int = 200
    max_declines_per_address: int = 50
    max_checkouts_per_address: int = 300
    max_checkouts_per_email: int = 60
    max_lookups_per_address: int = 60
    max_api_calls_per_min: int = 6000
    max_exports_per_hour: int = 30
    scheme_retry_caps: bool = True
    page_budget_s: float = 12.0
    order_expires_after_min: int = 24 * 60
    insufficient_funds_falls_back: bool = False
    trust_documented_absence: bool = False
    max_amount_minor: int = 100_000_000
    compare_providers_every_h: int = 6
    max_settlement_file_mb: int = 200
    min_sample: int = 30
    db_pool_size: int = 10
    log_level: str = "INFO"
    rollup_interval_s: float = 5.0
    embedded_worker: bool = True
    worker_places: str = (
        "reconcile=2,webhooks=2,refunds=1,mail=1,upkeep=1,comparison=1,settlements=1"
    )
    metrics_token: str | None = field(default=None, repr=False)
    default_country: str = "DE"
    default_currency: str = "EUR"
    default_language: str = "en"
    merchant_name: str = "payorch"
    mail_backend: Literal["outbox", "file", "smtp"] = "outbox"
    mail_folder: str = "var/mail"
    mail_from: str | None = None
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    smtp_starttls: bool = True
    alert_emails: tuple[str, ...] = ()
    alert_webhook_url: str | None = None
    alert_webhook_secret: str | None = field(default=None, repr=False)
    alert_webhook_private: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Settings from `environ`. Raises InvalidSettings naming every bad value."""
        problems: list[str] = []
        values: dict[str, object] = {}
        known = {variable_of(f.name): f.name for f in fields(cls)}
        for f in fields(cls):
            raw = raw_value(environ, variable_of(f.name), problems)
            if raw is None:
                continue
            try:
                values[f.name] = parsed(f.name, raw, f.default)
            except ValueError as error:
                problems.append(f"{variable_of(f.name)}: {error}")
        problems += [
            f"{name} is not a setting of payorch; see the README's table."
            for name in sorted(environ)
            if name.startswith("PAYORCH_")
            and name not in known
            and name.removesuffix("_FILE") not in known
        ]
        if problems:
            raise InvalidSettings(problems)
        settings = cls(**values)  # type: ignore[arg-type]  # each value was parsed by its field's type
        if found := settings.problems():
            raise InvalidSettings(found)
        return settings

    @classmethod
    def of_this_process(cls) -> Self:
        """Settings from the process environment. Raises InvalidSettings."""
        return cls.from_env(os.environ)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def requires_second_factor(self) -> bool:
        """What the setting says; without one, in production only."""
        return (self.second_factor or ("required" if self.is_production else "")) == "required"

    @property
    def second_person_limits(self) -> Mapping[str, int]:
        """Minor units by currency; without a setting there is a limit in production only.

        Raises ValueError when it is not like EUR:50000,USD:50000.
        """
        text = self.refund_second_person_above
        if text is None:
            text = DEFAULT_SECOND_PERSON_ABOVE if self.is_production else ""
        return parsed_limits(text)

    @property
    def alert_webhook_may_be_private(self) -> bool:
        """While developing, receivers run on one's own machine."""
        return self.alert_webhook_private or not self.is_production

    @property
    def former_encryption_keys(self) -> tuple[str, ...]:
        """Keys that data keys may still be wrapped with; the secret's own in development only."""
        derived = () if self.is_production else (self.secret_key, *self.secret_key_fallbacks)
        return (*self.encryption_key_fallbacks, *derived)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def uses_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def places_by_queue(self) -> dict[str, int]:
        """`worker_places` as numbers. Raises ValueError when one is not like queue=2."""
        places = {}
        for text in filter(None, self.worker_places.split(",")):
            queue, _, number = text.partition("=")
            if not queue.strip() or not number.strip().isdecimal():
                raise ValueError(f"{text!r} is not like reconcile=2.")
            places[queue.strip()] = int(number)
        return places

    def problems(self) -> list[str]:
        """What is wrong with these values, one sentence each; empty means fit to run."""
        found = []
        if self.is_sqlite and self.nodes > 1:
            found.append("SQLite serves one host only; use PostgreSQL with PAYORCH_NODES > 1.")
        if not self.is_sqlite and not self.database_url.startswith("postgresql"):
            found.append("PAYORCH_DATABASE_URL is neither sqlite:/// nor postgresql://.")
        if urlsplit(self.base_url).scheme not in {"http", "https"}:
            found.append("PAYORCH_BASE_URL must start with http:// or https://.")
        found += staff_session_problems(self)
        if not 0 <= self.compare_providers_every_h <= 24:
            found.append("PAYORCH_COMPARE_PROVIDERS_EVERY_H lies between 0 (never) and 24.")
        if not 1 <= self.max_providers_per_submission <= 3:
            found.append("PAYORCH_MAX_PROVIDERS_PER_SUBMISSION lies between 1 and 3.")
        if not 1.0 <= self.submission_deadline_s <= 120.0:
            found.append("PAYORCH_SUBMISSION_DEADLINE_S lies between 1 and 120.")
        if not are_webhook_secrets(self.sandbox_webhook_secret):
            found.append("PAYORCH_SANDBOX_WEBHOOK_SECRET: whsec_ is to be followed by base64.")
        found += settlement_problems(self)
        found += second_person_problems(self)
        found += request_limit_problems(self)
        found += encryption_problems(self)
        found += mail_problems(self)
        found += alert_webhook_problems(self)
        try:
            _ = self.places_by_queue
        except ValueError as error:
            found.append(f"PAYORCH_WORKER_PLACES: {error}")
        if self.is_production:
            found += self._production_problems()
        return found

    def _production_problems(self) -> list[str]:
        found = []
        if self.secret_key == DEVELOPMENT_SECRET or len(self.secret_key) < MIN_SECRET_LENGTH:
            found.append(
                f"PAYORCH_SECRET_KEY must be set to at least {MIN_SECRET_LENGTH} random characters."
            )
        if not self.uses_https:
            found.append("PAYORCH_BASE_URL must be https:// in production.")
        if self.sandbox_url is not None:
            found.append(
                "The practice provider takes no real money: "
                "set PAYORCH_SANDBOX_URL to an empty value in production."
            )
        if not self.trusted_hosts:
            found.append("PAYORCH_TRUSTED_HOSTS must name the hosts this site answers for.")
        # Without one the API answers 401 until there is a key.
        if self.api_token is not None and len(self.api_token) < MIN_SECRET_LENGTH:
            found.append(f"PAYORCH_API_TOKEN has at least {MIN_SECRET_LENGTH} random characters.")
        found += secret_problems(self)
        if self.database_url == DEFAULT_DATABASE_URL:
            found.append("PAYORCH_DATABASE_URL must be set in production.")
        if self.log_level == "DEBUG":
            found.append("PAYORCH_LOG_LEVEL=DEBUG is not for production.")
        return found
