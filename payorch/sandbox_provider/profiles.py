"""How each account of the practice provider behaves."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from payorch.sandbox_provider import profile_values as read
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_refunds import RefundOutcome
from payorch.sandbox_provider.profile_values import METHODS, ProfileError
from payorch.sandbox_provider.webhook_faults import WebhookFault

# Names that stand at the top of the address space already.
_RESERVED = frozenset({"admin", "docs", "healthz", "static"})
_ACCOUNT = re.compile(r"[a-z][a-z0-9_-]{0,31}")


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
    contradicts_after_s: float = 5.0
    flapping_period_s: float = 20.0
    flapping_down_share: float = 0.3
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    declines: Mapping[str, float] = field(default_factory=lambda: {"05": 1.0})
    faults: Mapping[Fault, float] = field(default_factory=dict)
    # Outcomes and faults of refunds and voids; as with faults, at most one strikes.
    refund_faults: Mapping[Fault | RefundOutcome, float] = field(default_factory=dict)
    refund_settles_after_s: float = 5.0
    # Without an address the merchant is told of nothing, and no events are written.
    webhook_url: str = ""
    webhook_secret: str = field(repr=False)
    # During a rotation each event is signed with both.
    webhook_secret_next: str = field(default="", repr=False)
    webhook_timeout_s: float = 5.0
    # How long after each try that failed the next one comes; after the last one it gives up.
    webhook_retry_after_s: tuple[float, ...] = (1, 5, 30, 300, 1_800, 7_200, 21_600, 86_400)
    webhook_faults: Mapping[WebhookFault, float] = field(default_factory=dict)
    webhook_delay_s: float = 5.0
    # A reordered event waits for a newer one of its payment, but no longer than this.
    webhook_reorder_s: float = 10.0
    # Older than what merchants accept: the standard recommends five minutes.
    webhook_stale_s: float = 3_600.0

    def to_json(self) -> dict[str, Any]:
        """The profile as the file and the admin calls spell it."""
        flat = {item.name: getattr(self, item.name) for item in fields(self)}
        flat["latency"] = {"p50_ms": flat.pop("p50_ms"), "p95_ms": flat.pop("p95_ms")}
        for name, value in flat.items():
            if isinstance(value, tuple):
                flat[name] = list(value)
            elif isinstance(value, Mapping):
                flat[name] = {str(key): item for key, item in value.items()}
        return flat


_READ: dict[str, Callable[[str, object], object]] = {
    **dict.fromkeys(("account", "api_key", "display_name"), read.text),
    **dict.fromkeys(("find_by_reference", "cancel_by_reference"), read.flag),
    **dict.fromkeys(("approval_rate", "challenge_share", "flapping_down_share"), read.share),
    "methods": read.methods,
    "declines": read.weights,
    "faults": read.faults,
    "refund_faults": read.refund_faults,
    "webhook_url": read.address,
    "webhook_secret": read.secret,
    "webhook_secret_next": read.secret,
    "webhook_retry_after_s": read.seconds,
    "webhook_faults": read.webhook_faults,
}


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


def parse_profile(account: str, raw: Mapping[str, Any]) -> Profile:
    """The profile that `raw` describes; raises ProfileError naming the first bad field."""
    if not _ACCOUNT.fullmatch(account) or account in _RESERVED:
        raise ProfileError(f"{account!r} cannot name an account")
    values = _flattened(account, {**raw, "account": account})
    for name, value in values.items():
        values[name] = _READ.get(name, read.number)(f"{account}.{name}", value)
    if not values.get("api_key"):
        raise ProfileError(f"{account}.api_key is missing")
    values["webhook_secret"] = values.get("webhook_secret") or f"practice_whsec_{account}"
    return Profile(**values)


def with_changes(profile: Profile, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `profile` after `patch`; tables are merged, null takes a field away."""
    values = profile.to_json()
    for name, value in patch.items():
        if value is None:
            values.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(values.get(name), dict):
            values[name] = {**values[name], **value}
        else:
            values[name] = value
    values.pop("account", None)
    return values
