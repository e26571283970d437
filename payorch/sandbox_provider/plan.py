"""What will become of a payment: decided once, from its name, its card and its amount."""

from dataclasses import dataclass

from payorch.sandbox_provider.draws import Draws, draws_for, latency_s, pick
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_cards import MagicCard, magic_for
from payorch.sandbox_provider.payment_request import PaymentRequest
from payorch.sandbox_provider.profiles import Profile


@dataclass(frozen=True, slots=True)
class Decline:
    code: str
    advice_code: str | None = None


# A customer who presses "Decline", or whose bank cannot tell that it is them.
NOT_AUTHENTICATED = Decline("1A")


@dataclass(frozen=True, slots=True)
class Plan:
    """`status` is what the ledger gets first; `decline` is where the payment ends, if it does."""

    status: str
    decline: Decline | None
    latency_s: float
    fault: Fault | None
    fault_repeats: bool
    draws: Draws


def _chance_decline(profile: Profile, draws: Draws) -> Decline | None:
    if draws.approval < profile.approval_rate:
        return None
    code, _, advice_code = (pick(draws.decline, profile.declines) or "05").partition("/")
    return Decline(code, advice_code or None)


def _first_status(
    request: PaymentRequest, magic: MagicCard | None, *, challenged: bool, declined: bool
) -> str:
    if request.method != "card" or challenged:
        return "requires_action"
    if magic is not None and magic.pending:
        return "pending"
    return "declined" if declined else "approved"


def plan_payment(
    request: PaymentRequest, profile: Profile, *, seed: int, is_first_account: bool
) -> Plan:
    """The same plan whenever the same payment arrives, whatever happened in between."""
    draws = draws_for(seed=seed, account=profile.account, reference=request.reference)
    magic = magic_for(request.card.number if request.card else None, request.amount)
    if magic is not None and magic.first_account_only and not is_first_account:
        magic = None
    by_chance = magic is not None and magic.by_chance
    challenged = magic is not None and magic.challenge
    if by_chance:
        decline = _chance_decline(profile, draws)
        challenged = draws.challenge < profile.challenge_share
    else:
        decline = Decline(magic.code, magic.advice_code) if magic and magic.code else None
    fault = magic.fault if magic is not None else None
    repeats = magic is not None and magic.repeats
    if fault is None:
        fault = pick(draws.fault, profile.faults, total=1)
    return Plan(
        status=_first_status(request, magic, challenged=challenged, declined=decline is not None),
        decline=decline,
        latency_s=latency_s(draws.latency, p50_ms=profile.p50_ms, p95_ms=profile.p95_ms),
        fault=fault,
        fault_repeats=repeats,
        draws=draws,
    )
