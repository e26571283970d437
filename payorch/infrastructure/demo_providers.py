"""The providers of the demo: accounts of the practice provider, as ops would set them up."""

from datetime import datetime

from payorch.application.change_provider_fees import ProviderFeeRepository
from payorch.application.configuration import PaymentMethodRepository, RoutingPolicyRepository
from payorch.domain.errors import PolicyChangedMeanwhile
from payorch.domain.payment_method import (
    AmountLimits,
    Capabilities,
    MethodKind,
    PaymentMethodVO,
)
from payorch.domain.provider_fees import ProviderFee
from payorch.domain.routing_policy import PolicyEntry

SEED_ACTOR = "payorch demo"

_EUROPE = frozenset(
    {"AT", "BE", "CH", "DE", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "PL", "PT", "SE"}
)
_NORTH_AMERICA = frozenset({"CA", "US"})
_LATIN_AMERICA = frozenset({"AR", "BR"})

# What the practice provider documents; see docs/practice-provider.md.
_PRACTICE = Capabilities(
    idempotency_window_s=86_400,
    find_by_reference=True,
    cancel_by_reference=True,
    cancel_by_id=True,
    void=True,
    refund=True,
    list_payments=True,
)

DEMO_METHODS: tuple[PaymentMethodVO, ...] = (
    PaymentMethodVO(
        code="alpha",
        display_name="Alpha Pay",
        kind=MethodKind.CARD,
        connector="sandbox",
        account="alpha",
        countries=_EUROPE | _NORTH_AMERICA,
        currencies=frozenset({"EUR", "USD", "GBP"}),
        amount_limits={
            "EUR": AmountLimits(min_minor=50, max_minor=500_000),
            "USD": AmountLimits(min_minor=50, max_minor=500_000),
            "GBP": AmountLimits(min_minor=30, max_minor=400_000),
        },
        timeout_s=6.0,
        capabilities=_PRACTICE,
    ),
    PaymentMethodVO(
        code="beta",
        display_name="Beta Payments",
        kind=MethodKind.CARD,
        connector="sandbox",
        account="beta",
        timeout_s=8.0,
        capabilities=_PRACTICE,
    ),
    PaymentMethodVO(
        code="gamma",
        display_name="Gamma Acquiring",
        kind=MethodKind.CARD,
        connector="sandbox",
        account="gamma",
        countries=_EUROPE | _NORTH_AMERICA,
        currencies=frozenset({"EUR", "USD"}),
        amount_limits={"EUR": AmountLimits(max_minor=200_000), "USD": AmountLimits(min_minor=100)},
        timeout_s=5.0,
        capabilities=_PRACTICE,
    ),
    PaymentMethodVO(
        code="beta_latam",
        display_name="Beta LatAm",
        kind=MethodKind.CARD,
        connector="sandbox",
        account="beta",
        countries=_LATIN_AMERICA,
        currencies=frozenset({"ARS", "BRL", "USD"}),
        required_fields=("document_type", "document_number"),
        timeout_s=8.0,
        capabilities=_PRACTICE,
    ),
    PaymentMethodVO(
        code="delta",
        display_name="Delta Wallet",
        kind=MethodKind.WALLET,
        connector="sandbox",
        account="delta",
        countries=_EUROPE | _NORTH_AMERICA,
        currencies=frozenset({"EUR", "USD", "GBP"}),
        timeout_s=6.0,
        capabilities=_PRACTICE,
    ),
    PaymentMethodVO(
        code="delta_bank",
        display_name="Delta Bank Transfer",
        kind=MethodKind.BANK_REDIRECT,
        connector="sandbox",
        account="delta",
        countries=_EUROPE,
        currencies=frozenset({"EUR"}),
        amount_limits={"EUR": AmountLimits(min_minor=100)},
        timeout_s=6.0,
        capabilities=_PRACTICE,
    ),
)

DEMO_POLICY: tuple[PolicyEntry, ...] = (
    PolicyEntry("alpha", tier=1),
    PolicyEntry("beta", tier=2),
    PolicyEntry("gamma", tier=3),
    PolicyEntry("beta_latam", tier=4),
    PolicyEntry("delta", tier=5),
    PolicyEntry("delta_bank", tier=6),
)

EARLIER_DEMO_POLICY: tuple[PolicyEntry, ...] = (
    PolicyEntry("gamma", tier=1),
    PolicyEntry("alpha", tier=2),
    PolicyEntry("beta", tier=3),
    PolicyEntry("beta_latam", tier=4),
    PolicyEntry("delta", tier=5),
    PolicyEntry("delta_bank", tier=6),
)
"""In force during the first days of the demo's history."""


_PERCENT_PPM_AND_CENTS = {
    "alpha": (16_000, 20),
    "beta": (24_000, 25),
    "gamma": (12_000, 15),
    "beta_latam": (39_000, 30),
    "delta": (19_000, 10),
    "delta_bank": (4_000, 20),
}
_MINOR_OF_A_CENT = {"EUR": 1, "USD": 1, "GBP": 1, "BRL": 5, "JPY": 2, "ARS": 1000}


def demo_fees(*, valid_from: datetime) -> tuple[ProviderFee, ...]:
    """What the providers of the demo charge: who approves more costs more."""
    return tuple(
        ProviderFee(code, currency, valid_from, percent_ppm, cents * minor, 0)
        for code, (percent_ppm, cents) in _PERCENT_PPM_AND_CENTS.items()
        for currency, minor in _MINOR_OF_A_CENT.items()
    )


def seed_fees(fees: ProviderFeeRepository, *, at: datetime) -> None:
    for fee in demo_fees(valid_from=at):
        fees.add(fee, actor=SEED_ACTOR, reason="Contracts of the demo", at=at)


def seed_methods(methods: PaymentMethodRepository, *, at: datetime) -> int:
    """Insert the methods that are not there yet; gives how many were new."""
    return sum(methods.add(method, at=at) for method in DEMO_METHODS)


def publish_first_policy(
    policies: RoutingPolicyRepository,
    entries: tuple[PolicyEntry, ...] = DEMO_POLICY,
    *,
    at: datetime,
) -> bool:
    """Put `entries` in force unless somebody published a policy already."""
    if policies.history(limit=1):
        return False
    try:
        policies.publish(
            entries,
            based_on_version=0,
            exploration_share=0.0,
            actor=SEED_ACTOR,
            reason="First order of providers",
            at=at,
        )
    except PolicyChangedMeanwhile:
        return False
    return True
