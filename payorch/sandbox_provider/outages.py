"""Scripted outages: a fault that an operator switches on for an account, for a while."""

import secrets
import threading
from dataclasses import asdict, dataclass
from typing import Any, Literal

from payorch.sandbox_provider.api_errors import invalid
from payorch.sandbox_provider.faults import BEFORE_CHARGE, Fault
from payorch.sandbox_provider.profiles import Profile


@dataclass(frozen=True, slots=True)
class Outage:
    """`scope` "payments" strikes new payments only; "all" also lookups, cancels and refunds."""

    id: str
    account: str
    fault: Fault
    share: float
    starts_at: float
    ends_at: float
    scope: Literal["payments", "all"]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def _read_number(body: dict[str, Any], name: str, default: float, most: float) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise invalid("invalid_outage", f"0 to {most:g} is needed.", param=name)
    return float(value)


def parse_outage(body: dict[str, Any], *, now: float) -> Outage:
    """The outage of an admin call; raises ApiRefusal 422 naming the field."""
    fault, scope = body.get("fault"), body.get("scope", "payments")
    if fault not in set(Fault):
        raise invalid("invalid_outage", "An unknown fault.", param="fault")
    if scope not in {"payments", "all"}:
        raise invalid("invalid_outage", "payments or all.", param="scope")
    if scope == "all" and Fault(fault) not in BEFORE_CHARGE:
        raise invalid("invalid_outage", "This fault strikes payments only.", param="scope")
    starts_at = now + _read_number(body, "starts_in_s", 0, 86_400)
    return Outage(
        id=secrets.token_hex(6),
        account=str(body.get("account")),
        fault=Fault(fault),
        share=_read_number(body, "share", 1, 1),
        starts_at=starts_at,
        ends_at=starts_at + _read_number(body, "lasts_s", 60, 86_400),
        scope=scope,
    )


def is_down(profile: Profile, now: float) -> bool:
    """Whether a flapping account is in the down part of its period."""
    period = profile.flapping_period_s
    return period > 0 and now % period < period * profile.flapping_down_share


class OutageSchedule:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Replaced as a whole, so that the hot path reads it without the lock.
        self._outages: tuple[Outage, ...] = ()

    def add(self, outage: Outage) -> None:
        with self._lock:
            self._outages = (*self._outages, outage)

    def clear(self) -> None:
        with self._lock:
            self._outages = ()

    def all(self) -> tuple[Outage, ...]:
        return self._outages

    def fault_now(self, account: str, *, draw: float, now: float, creates: bool) -> Fault | None:
        """The fault that an outage of this moment brings upon a request, if any."""
        for outage in self._outages:
            if (
                outage.account == account
                and outage.starts_at <= now < outage.ends_at
                and (creates or outage.scope == "all")
                and draw < outage.share
            ):
                return outage.fault
        return None
