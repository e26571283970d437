"""What a provider charges the merchant: percent, fixed and per attempt, by currency and date.

Exact: the percentage is a whole number of millionths, amounts are minor units. One transaction's
percentage is rounded half up to the minor unit, as invoices do; a sum over many is rounded once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payorch.domain.errors import InvalidFee
from payorch.domain.money import MAX_AMOUNT_MINOR, Money, currency_exponent
from payorch.domain.payment_status import TransactionStatus

PPM = 1_000_000
PPM_OF_A_PERCENT = 10_000

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")

BILLED_ATTEMPTS = frozenset(
    {
        TransactionStatus.APPROVED,
        TransactionStatus.DECLINED,
        TransactionStatus.VOIDED,
        TransactionStatus.ABANDONED,
        TransactionStatus.UNKNOWN,
    }
)
"""What the provider has seen, or may have; not what was never sent, nor what is still open."""


def percent_ppm(text: str) -> int:
    """Millionths of a plain percentage: "2.9" is 29,000. Raises InvalidFee."""
    cleaned = text.strip()
    if not _PERCENT.fullmatch(cleaned):
        raise InvalidFee("Write the percentage as a plain number such as 2.9, at most 4 decimals.")
    return int(Decimal(cleaned) * PPM_OF_A_PERCENT)


def percent_text(ppm: int) -> str:
    """The percentage without needless zeros: 29,000 is "2.9"."""
    return f"{(Decimal(ppm) / PPM_OF_A_PERCENT).normalize():f}"


@dataclass(frozen=True, slots=True)
class ProviderFee:
    """In force from `valid_from` until the next one of the same provider and currency.

    `fixed_minor` is for each approved payment, `attempt_minor` for each attempt that the
    provider has seen, approved ones included. Raises InvalidFee.
    """

    provider_code: str
    currency: str
    valid_from: datetime
    percent_ppm: int
    fixed_minor: int
    attempt_minor: int

    def __post_init__(self) -> None:
        currency_exponent(self.currency)
        if not 0 <= self.percent_ppm <= PPM:
            raise InvalidFee("A percentage lies between 0 and 100.")
        if not all(0 <= a <= MAX_AMOUNT_MINOR for a in (self.fixed_minor, self.attempt_minor)):
            raise InvalidFee("A fee is not negative.")

    def of(self, status: TransactionStatus, money: Money) -> int:
        """The fee of one attempt in minor units, its percentage rounded half up."""
        if status not in BILLED_ATTEMPTS:
            return 0
        is_approved = status is TransactionStatus.APPROVED
        approved_minor = money.amount_minor if is_approved else 0
        return self.of_many(approved=int(is_approved), approved_minor=approved_minor, attempts=1)

    def of_many(self, *, approved: int, approved_minor: int, attempts: int) -> int:
        """The fees of many attempts in minor units, rounded half up once.

        It differs from the sum of each one's fee by at most half a minor unit per approval.
        """
        percentage = (2 * approved_minor * self.percent_ppm + PPM) // (2 * PPM)
        return percentage + approved * self.fixed_minor + attempts * self.attempt_minor


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """All fees that were ever set, of all providers."""

    fees: tuple[ProviderFee, ...] = ()

    def in_force(self, provider_code: str, currency: str, at: datetime) -> ProviderFee | None:
        """None where nobody has said what it costs: that is not free."""
        known = (
            fee
            for fee in self.fees
            if (fee.provider_code, fee.currency) == (provider_code, currency)
            and fee.valid_from <= at
        )
        return max(known, key=lambda fee: fee.valid_from, default=None)

    def fee_of(
        self, provider_code: str, status: TransactionStatus, money: Money, started_at: datetime
    ) -> int | None:
        """What one attempt cost, in minor units of its currency; None when no fee is known."""
        fee = self.in_force(provider_code, money.currency, started_at)
        return None if fee is None else fee.of(status, money)

    def changes_within(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments inside (start, end) at which any fee changes."""
        return sorted({fee.valid_from for fee in self.fees if start < fee.valid_from < end})


def newest_first(fees: Iterable[ProviderFee]) -> list[ProviderFee]:
    """By currency, and within one the newest first."""
    by_date = sorted(fees, key=lambda fee: fee.valid_from, reverse=True)
    return sorted(by_date, key=lambda fee: fee.currency)
