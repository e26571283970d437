"""Reading one setting from the environment: its variable, or a file that is named, as its type."""

import math
from collections.abc import Mapping
from pathlib import Path

_TEXTS_OR_NOTHING = frozenset(
    {
        "encryption_key",
        "mail_from",
        "smtp_host",
        "smtp_user",
        "smtp_password",
        "alert_webhook_url",
        "alert_webhook_secret",
    }
)
_CHOICES = {
    "env": ("development", "production"),
    "mail_backend": ("outbox", "file", "smtp"),
    "default_language": ("en", "es"),
    "second_factor": ("required", "optional"),
}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def variable_of(name: str) -> str:
    return f"PAYORCH_{name.upper()}"


def raw_value(environ: Mapping[str, str], variable: str, problems: list[str]) -> str | None:
    if variable in environ:
        return environ[variable]
    path = environ.get(f"{variable}_FILE")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(f"{variable}_FILE cannot be read: {error.strerror}.")
        return None


def parsed(name: str, raw: str, default: object) -> object:
    """`raw` as the type of the setting `name`. Raises ValueError saying what is expected."""
    text = raw.strip()
    if isinstance(default, bool):
        return _parsed_bool(text)
    if isinstance(default, int):
        return _parsed_number(text, int, "must be a whole number.")
    if isinstance(default, float):
        return _parsed_number(text, float, "must be a number.")
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name in {"api_token", "metrics_token", "sandbox_url", "sandbox_public_url"}:
        return text.rstrip("/") or None
    if name in _TEXTS_OR_NOTHING:
        return text or None
    if name in _CHOICES and text not in _CHOICES[name]:
        raise ValueError(f"must be {' or '.join(_CHOICES[name])}.")
    return text.rstrip("/") if name == "base_url" else text


def parsed_limits(text: str) -> dict[str, int]:
    """Minor units by currency, or by * for all that are not named. Raises ValueError."""
    limits: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        currency, _, amount = (piece.strip() for piece in part.partition(":"))
        is_currency = currency == "*" or (
            len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
        )
        is_amount = amount.isascii() and amount.isdecimal() and len(amount) <= 15
        if not is_currency or not is_amount:
            raise ValueError(f"{part!r} is not like EUR:50000 or *:50000, in minor units.")
        if currency in limits:
            raise ValueError(f"{currency} is named twice.")
        limits[currency] = int(amount)
    return limits


def _parsed_number(text: str, kind: type[int] | type[float], expected: str) -> int | float:
    try:
        number = kind(text)
    except ValueError:
        raise ValueError(expected) from None
    if not math.isfinite(number):
        raise ValueError(expected)
    return number


def _parsed_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be 1 or 0.")
