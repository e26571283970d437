"""How each account of the practice provider behaves, read from a file and changed at run time."""

import re
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from payorch.sandbox_provider.faults import Fault

METHODS = ("card", "wallet", "bank_redirect")
# Names that stand at the top of the address space already.
_RESERVED = frozenset({"admin", "docs", "healthz", "static"})
_ACCOUNT = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class ProfileError(ValueError):
    """A profile that says something impossible; the text names the account and the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One account's behavior. Shares are 0..1; weights of declines need not add up to anything."""

    account: str
    api_key: str = field(repr=False)
    display_name: str = ""
    methods: tuple[str, ...] = METHODS
    approval_rate: float = 1.0
    challenge_share: float = 0.0
    pending_settles_after_s: float = 5.0
    # 0 switches idempotency off: each request then makes a payment of its own.
    idempotency_window_s: float = 86_400.0
    find_by_reference: bool = True
    cancel_by_reference: bool = True
    # Longer than any sane client waits, short enough that a forgotten connection ends.
    hold_s: float = 40.0
    slow_ms: float = 8_000.0
    late_arrival_after_s: float = 3.0
    flapping_period_s: float = 20.0
    flapping_down_share: float = 0.3
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    declines: Mapping[str, float] = field(default_factory=lambda: {"05": 1.0})
    faults: Mapping[Fault, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The profile as the file and the admin calls spell it."""
        flat = {item.name: getattr(self, item.name) for item in fields(self)}
        flat["latency"] = {"p50_ms": flat.pop("p50_ms"), "p95_ms": flat.pop("p95_ms")}
        flat["methods"] = list(self.methods)
        flat["declines"] = dict(self.declines)
        flat["faults"] = {str(fault): share for fault, share in self.faults.items()}
        return flat


_SHARES = ("approval_rate", "challenge_share", "flapping_down_share")
_FLAGS = ("find_by_reference", "cancel_by_reference")
_TEXTS = ("account", "api_key", "display_name")
_NUMBERS = tuple(
    item.name
    for item in fields(Profile)
    if item.name not in (*_FLAGS, *_TEXTS, "methods", "declines", "faults")
)


def _number(where: str, value: object, *, most: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        limit = "" if most == float("inf") else f" up to {most:g}"
        raise ProfileError(f"{where} has to be a number from 0{limit}")
    return float(value)


def _shares(where: str, value: object, *, most: float) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise ProfileError(f"{where} has to be a table")
    return {str(key): _number(f"{where}.{key}", item, most=most) for key, item in value.items()}


def _faults(where: str, value: object) -> dict[Fault, float]:
    shares = _shares(where, value, most=1)
    unknown = shares.keys() - set(Fault)
    if unknown:
        raise ProfileError(f"{where} names unknown faults: {', '.join(sorted(unknown))}")
    if sum(shares.values()) > 1:
        raise ProfileError(f"{where} adds up to more than 1")
    return {Fault(name): share for name, share in shares.items() if share}


def _methods(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or set(value) - set(METHODS):
        raise ProfileError(f"{where} has to list some of {', '.join(METHODS)}")
    return tuple(value)


def _flattened(account: str, values: dict[str, Any]) -> dict[str, Any]:
    """The file's fields as those of Profile; refuses any that Profile does not have."""
    latency = values.pop("latency", {})
    if not isinstance(latency, Mapping) or latency.keys() - {"p50_ms", "p95_ms"}:
        raise ProfileError(f"{account}.latency has to hold p50_ms and p95_ms")
    values.update(latency)
    unknown = values.keys() - {item.name for item in fields(Profile)}
    if unknown:
        raise ProfileError(f"{account} has unknown fields: {', '.join(sorted(unknown))}")
    return values


def _parse_field(name: str, where: str, value: object) -> object:
    if name == "methods":
        return _methods(where, value)
    if name == "faults":
        return _faults(where, value)
    if name == "declines":
        return _shares(where, value, most=float("inf"))
    if name in _NUMBERS:
        return _number(where, value, most=1 if name in _SHARES else float("inf"))
    expected = bool if name in _FLAGS else str
    if not isinstance(value, expected):
        raise ProfileError(f"{where} has to be {'true or false' if expected is bool else 'text'}")
    return value


def parse_profile(account: str, raw: Mapping[str, Any]) -> Profile:
    """The profile that `raw` describes; raises ProfileError naming the first bad field."""
    if not _ACCOUNT.fullmatch(account) or account in _RESERVED:
        raise ProfileError(f"{account!r} cannot name an account")
    values = _flattened(account, {**raw, "account": account})
    for name, value in values.items():
        values[name] = _parse_field(name, f"{account}.{name}", value)
    if not values.get("api_key"):
        raise ProfileError(f"{account}.api_key is missing")
    return Profile(**values)


def merged(profile: Profile, patch: Mapping[str, Any]) -> Profile:
    """`profile` with the fields of `patch`; tables are merged, null brings back the default."""
    values = profile.to_json()
    for name, value in patch.items():
        if value is None:
            values.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(values.get(name), dict):
            values[name] = {**values[name], **value}
        else:
            values[name] = value
    values.pop("account")
    return parse_profile(profile.account, values)


def load_profiles(path: Path) -> dict[str, Profile]:
    """Profiles by account, in the file's order; the first one is the demo's troublemaker."""
    with path.open("rb") as file:
        accounts = tomllib.load(file).get("accounts", {})
    if not accounts:
        raise ProfileError(f"{path.name} holds no [accounts.*] table")
    return {account: parse_profile(account, raw) for account, raw in accounts.items()}


class ProfileBook:
    """The profiles in force. A change replaces a whole profile, so readers need no lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._profiles = load_profiles(path)
        self.first_account = next(iter(self._profiles))

    def find(self, account: str) -> Profile | None:
        return self._profiles.get(account)

    def all(self) -> list[Profile]:
        return list(self._profiles.values())

    def put(self, account: str, raw: Mapping[str, Any]) -> Profile:
        with self._writing:
            profile = parse_profile(account, raw)
            self._profiles = {**self._profiles, account: profile}
        return profile

    def patch(self, account: str, raw: Mapping[str, Any]) -> Profile:
        """Raises KeyError for an account that does not exist."""
        with self._writing:
            profile = merged(self._profiles[account], raw)
            self._profiles = {**self._profiles, account: profile}
        return profile

    def reset(self) -> None:
        with self._writing:
            self._profiles = load_profiles(self._path)
