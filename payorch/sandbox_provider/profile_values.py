"""Checks of what a profile says, one for each kind of field. Each names the field it refuses."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_refunds import REFUND_FAULTS, RefundOutcome
from payorch.sandbox_provider.webhook_faults import WebhookFault
from payorch.sandbox_provider.webhook_signature import signing_key

METHODS = ("card", "wallet", "bank_redirect")
# A provider that tries for a month has tried about as often.
_MOST_RETRIES = 20

FaultName = TypeVar("FaultName", bound=StrEnum)


class ProfileError(ValueError):
    """A profile that says something impossible; the text names the account and the field."""


def number(where: str, value: object, *, most: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        limit = "" if most == float("inf") else f" up to {most:g}"
        raise ProfileError(f"{where} has to be a number from 0{limit}")
    return float(value)


def share(where: str, value: object) -> float:
    return number(where, value, most=1)


def flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ProfileError(f"{where} has to be true or false")
    return value


def text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise ProfileError(f"{where} has to be text")
    return value


def address(where: str, value: object) -> str:
    """An http(s) address, or nothing."""
    url = text(where, value)
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if url and not (is_address and url.isprintable() and " " not in url):
        raise ProfileError(f"{where} has to be an http(s) address")
    return url


def secret(where: str, value: object) -> str:
    given = text(where, value)
    try:
        signing_key(given)
    except ValueError as error:
        raise ProfileError(f"{where}: {error}") from None
    return given


def seconds(where: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MOST_RETRIES:
        raise ProfileError(f"{where} has to list up to {_MOST_RETRIES} numbers of seconds")
    return tuple(number(where, item) for item in value)


def weights(where: str, value: object, *, most: float = float("inf")) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise ProfileError(f"{where} has to be a table")
    return {str(key): number(f"{where}.{key}", item, most=most) for key, item in value.items()}


def _shares_of(
    where: str, value: object, names: Callable[[str], FaultName]
) -> dict[FaultName, float]:
    shares: dict[FaultName, float] = {}
    for name, chance in weights(where, value, most=1).items():
        try:
            shares[names(name)] = chance
        except ValueError:
            raise ProfileError(f"{where} names an unknown fault: {name}") from None
    return {name: chance for name, chance in shares.items() if chance}


def _exclusive(where: str, shares: dict[FaultName, float]) -> dict[FaultName, float]:
    """Shares of which at most one strikes, so that they may not add up to more than 1."""
    if sum(shares.values()) > 1:
        raise ProfileError(f"{where} adds up to more than 1")
    return shares


def faults(where: str, value: object) -> dict[Fault, float]:
    return _exclusive(where, _shares_of(where, value, Fault))


def _refund_fault(name: str) -> Fault | RefundOutcome:
    """Raises ValueError for what does not strike refunds."""
    if name in REFUND_FAULTS:
        return Fault(name)
    return RefundOutcome(name)


def refund_faults(where: str, value: object) -> dict[Fault | RefundOutcome, float]:
    return _exclusive(where, _shares_of(where, value, _refund_fault))


def webhook_faults(where: str, value: object) -> dict[WebhookFault, float]:
    return _shares_of(where, value, WebhookFault)


def methods(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or set(value) - set(METHODS):
        raise ProfileError(f"{where} has to list some of {', '.join(METHODS)}")
    return tuple(value)
