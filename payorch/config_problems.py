"""Checks of settings about staff, mail, alerts and files, one sentence for each that is wrong."""

import base64
import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from payorch.domain.money import payment_currencies
from payorch.domain.second_person import ANY_CURRENCY

if TYPE_CHECKING:
    from payorch.config import Settings

MIN_SECRET_LENGTH = 32
MIN_ALERT_SECRET_LENGTH = 16
PUBLIC_WEBHOOK_PORTS = frozenset({443, 8443})
ENCRYPTION_KEY_BYTES = 32
MAX_KEEP_DAYS = 36_500
SMTPS_PORT = 465
"""On this port a mail server speaks TLS from the first byte (RFC 8314)."""

_ONE_ADDRESS = re.compile(
    r"[^@\s,;:<>\"()\[\]\x00-\x1f\x7f]{1,64}@[^@\s,;:<>\"()\x00-\x1f\x7f]{1,189}"
)


MAX_IDLE_MIN = 15
"""PCI DSS 4.0.1, 8.2.8."""


def secret_problems(settings: "Settings") -> list[str]:
    """Of production. A former key still opens what it sealed, so it has to be as good."""
    found = []
    if any(len(it) < MIN_SECRET_LENGTH for it in settings.secret_key_fallbacks):
        found.append(
            f"PAYORCH_SECRET_KEY_FALLBACKS: each has at least {MIN_SECRET_LENGTH} characters."
        )
    if settings.metrics_token is not None and len(settings.metrics_token) < MIN_SECRET_LENGTH:
        found.append(f"PAYORCH_METRICS_TOKEN has at least {MIN_SECRET_LENGTH} random characters.")
    if any("*" in host or not host.strip(".") for host in settings.trusted_hosts):
        found.append("PAYORCH_TRUSTED_HOSTS names hosts; a leading dot takes all below one.")
    return found


def staff_session_problems(settings: "Settings") -> list[str]:
    found = []
    if not 1 <= settings.staff_idle_min <= 24 * 60:
        found.append("PAYORCH_STAFF_IDLE_MIN lies between 1 and 1440.")
    if settings.is_production and settings.staff_idle_min > MAX_IDLE_MIN:
        found.append(f"PAYORCH_STAFF_IDLE_MIN is at most {MAX_IDLE_MIN} in production.")
    if not 1 <= settings.staff_session_h <= 24:
        found.append("PAYORCH_STAFF_SESSION_H lies between 1 and 24.")
    if not 1 <= settings.max_password_hashes <= 64:
        found.append("PAYORCH_MAX_PASSWORD_HASHES lies between 1 and 64.")
    return found


def encryption_problems(settings: "Settings") -> list[str]:
    found = []
    keys = (settings.encryption_key, *settings.encryption_key_fallbacks)
    names = ("", *("_FALLBACKS" for _ in settings.encryption_key_fallbacks))
    for name, key in zip(names, keys, strict=True):
        if key is not None and not _is_key(key):
            found.append(f"PAYORCH_ENCRYPTION_KEY{name}: a key is 32 random bytes in base64.")
    if settings.is_production and settings.encryption_key is None:
        found.append("PAYORCH_ENCRYPTION_KEY must be set to 32 random bytes in base64.")
    if not 0 <= settings.keep_personal_data_days <= MAX_KEEP_DAYS:
        found.append(f"PAYORCH_KEEP_PERSONAL_DATA_DAYS lies between 0 and {MAX_KEEP_DAYS}.")
    return found


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == ENCRYPTION_KEY_BYTES
    except ValueError:
        return False


def mail_problems(settings: "Settings") -> list[str]:
    found = []
    if not settings.merchant_name.isprintable() or not 0 < len(settings.merchant_name) <= 80:
        found.append("PAYORCH_MERCHANT_NAME is one line of at most 80 characters.")
    found += [
        f"{variable}: {address!r} is not one e-mail address."
        for variable, address in (
            ("PAYORCH_MAIL_FROM", settings.mail_from or "nobody@localhost"),
            *(("PAYORCH_ALERT_EMAILS", address) for address in settings.alert_emails),
        )
        if not _ONE_ADDRESS.fullmatch(address)
    ]
    if settings.mail_backend == "smtp" and not (settings.smtp_host and settings.mail_from):
        found.append("PAYORCH_MAIL_BACKEND=smtp needs PAYORCH_SMTP_HOST and PAYORCH_MAIL_FROM.")
    is_in_clear = not settings.smtp_starttls and settings.smtp_port != SMTPS_PORT
    if settings.is_production and settings.smtp_password and is_in_clear:
        found.append("PAYORCH_SMTP_STARTTLS=0 would send PAYORCH_SMTP_PASSWORD in the clear.")
    return found


def settlement_problems(settings: "Settings") -> list[str]:
    if 1 <= settings.max_settlement_file_mb <= 2000:
        return []
    return ["PAYORCH_MAX_SETTLEMENT_FILE_MB lies between 1 and 2000."]


def second_person_problems(settings: "Settings") -> list[str]:
    variable = "PAYORCH_REFUND_SECOND_PERSON_ABOVE"
    try:
        limits = settings.second_person_limits
    except ValueError as error:
        return [f"{variable}: {error}"]
    # A typing error would leave a currency without its limit.
    known = {ANY_CURRENCY, *payment_currencies()}
    return [f"{variable}: {it} is no currency." for it in sorted(limits) if it not in known]


def request_limit_problems(settings: "Settings") -> list[str]:
    return [
        f"PAYORCH_{name.upper()} is 0 (no limit) or more."
        for name in (
            "max_checkouts_per_address",
            "max_checkouts_per_email",
            "max_lookups_per_address",
            "max_api_calls_per_min",
            "max_exports_per_hour",
        )
        if getattr(settings, name) < 0
    ]


def alert_webhook_problems(settings: "Settings") -> list[str]:
    if settings.alert_webhook_url is None:
        return []
    found = []
    url = urlsplit(settings.alert_webhook_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        found.append("PAYORCH_ALERT_WEBHOOK_URL must start with http:// or https://.")
    if settings.is_production and url.scheme != "https":
        found.append("PAYORCH_ALERT_WEBHOOK_URL must be https:// in production.")
    if not settings.alert_webhook_url.isascii() or not settings.alert_webhook_url.isprintable():
        found.append("PAYORCH_ALERT_WEBHOOK_URL is plain ASCII; write the host as xn--...")
    if "@" in url.netloc or "\\" in settings.alert_webhook_url:
        found.append("PAYORCH_ALERT_WEBHOOK_URL holds no user name, password or backslash.")
    if _is_odd_number(url.hostname or ""):
        found.append("PAYORCH_ALERT_WEBHOOK_URL: write the address as four decimal numbers.")
    if not settings.alert_webhook_may_be_private and _port_of(url) not in PUBLIC_WEBHOOK_PORTS:
        found.append("PAYORCH_ALERT_WEBHOOK_URL: the port is 443 or 8443, if it is not private.")
    if len(settings.alert_webhook_secret or "") < MIN_ALERT_SECRET_LENGTH:
        found.append(
            "PAYORCH_ALERT_WEBHOOK_URL needs PAYORCH_ALERT_WEBHOOK_SECRET "
            f"of at least {MIN_ALERT_SECRET_LENGTH} characters."
        )
    elif not are_webhook_secrets(settings.alert_webhook_secret or ""):
        found.append("PAYORCH_ALERT_WEBHOOK_SECRET: whsec_ is to be followed by base64.")
    return found


def _is_odd_number(host: str) -> bool:
    """Such as 0x7f.1 or 2130706433: numbers that a browser and a library may read differently."""
    if not re.fullmatch(r"(0x[0-9a-f]*|\d+)", host.rstrip(".").rsplit(".", 1)[-1]):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False


def _port_of(url: SplitResult) -> int | None:
    try:
        return url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        return None


def are_webhook_secrets(secrets: str) -> bool:
    """Whether those that say that they are base64 are; any other text is a secret as it is."""
    encoded = [s.strip()[6:] for s in secrets.split(",") if s.strip().startswith("whsec_")]
    try:
        return all(base64.b64decode(secret, validate=True) for secret in encoded)
    except ValueError:
        return False
