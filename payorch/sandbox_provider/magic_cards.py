"""The practice numbers: which card or amount brings about which answer.

Every number is a possible card number (Luhn) of a scheme's public range and belongs to nobody.
Its last digits before the check digit are the scenario's: 4000 0000 0000 051C is Visa's code 51.
The amount of a scenario follows the same digits and works without a card, too.
"""

from dataclasses import dataclass

from payorch.sandbox_provider.card_numbers import brand_of, with_check_digit
from payorch.sandbox_provider.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicCard:
    """One scenario. Exactly one of the effects is set; none of them means "approved"."""

    number: str
    label: str
    amount: int | None = None
    code: str | None = None
    advice_code: str | None = None
    fault: Fault | None = None
    # A fault strikes the first request of a payment, so that a replay can show the truth;
    # a repeating one strikes every request.
    repeats: bool = False
    by_chance: bool = False
    challenge: bool = False
    pending: bool = False
    first_account_only: bool = False

    @property
    def brand(self) -> str:
        return brand_of(self.number)

    @property
    def spaced_number(self) -> str:
        return " ".join(self.number[at : at + 4] for at in range(0, len(self.number), 4))


def _number(prefix: str, scenario: int) -> str:
    return with_check_digit(f"{prefix}{scenario:0{15 - len(prefix)}d}")


# Scenario digits of codes that are not numbers.
_LETTER_CODES = {901: "N7", 902: "1A", 903: "R0", 999: "ZZ9"}

_VISA_DECLINES = {
    1: "call issuer",
    3: "invalid merchant",
    4: "pick up card",
    5: "do not honor",
    12: "invalid transaction",
    13: "invalid amount",
    14: "invalid card number",
    15: "no such issuer",
    19: "re-enter transaction",
    30: "format error",
    39: "no credit account",
    41: "lost card",
    43: "stolen card",
    46: "account closed",
    51: "insufficient funds",
    54: "expired card",
    55: "incorrect PIN",
    57: "not permitted to cardholder",
    58: "not permitted to terminal",
    59: "suspected fraud",
    61: "exceeds amount limit",
    62: "restricted card",
    65: "exceeds frequency limit",
    75: "PIN tries exceeded",
    82: "CVC incorrect",
    83: "fraud or security",
    91: "issuer unavailable",
    96: "system malfunction",
    901: "CVC mismatch",
    902: "authentication required",
    903: "stop payment order",
    999: "a code nobody has classified",
}

# Scenario -> code, advice code. Scenarios up to 40 are Mastercard's merchant advice codes.
_MASTERCARD_DECLINES: dict[int, tuple[str, str | None, str]] = {
    1: ("79", "01", "new account information available"),
    2: ("82", "02", "try again later"),
    3: ("83", "03", "do not try again"),
    4: ("79", "04", "token not supported"),
    21: ("82", "21", "payment cancelled by the cardholder"),
    22: ("82", "22", "merchant not eligible for this product"),
    24: ("51", "24", "insufficient funds, retry after 1 hour"),
    25: ("51", "25", "insufficient funds, retry after 24 hours"),
    30: ("82", "30", "retry after 10 days"),
    40: ("82", "40", "prepaid card"),
    41: ("82", "41", "single-use virtual card"),
    65: ("65", None, "strong customer authentication required"),
    70: ("70", None, "call issuer"),
    79: ("79", None, "life cycle, without advice"),
    82: ("82", None, "policy, without advice"),
    83: ("83", None, "fraud or security, without advice"),
}

_FAULTS = (
    (Fault.TIMEOUT_BEFORE_CHARGE, "no answer, nothing charged; a replay is approved"),
    (Fault.TIMEOUT_AFTER_CHARGE, "charged, but no answer"),
    (Fault.ERROR_500_BEFORE, "500, nothing charged; a replay is approved"),
    (Fault.ERROR_500_AFTER_CHARGE, "charged, but answered with 500"),
    (Fault.TRUNCATED_JSON, "charged, the answer breaks off"),
    (Fault.WRONG_AMOUNT, "charged, the answer names another amount"),
    (Fault.WRONG_CURRENCY, "charged, the answer names another currency"),
    (Fault.WRONG_REFERENCE, "charged, the answer names another reference"),
    (Fault.CONNECTION_RESET_BEFORE, "connection reset, nothing charged; a replay is approved"),
    (Fault.CONNECTION_RESET_AFTER, "charged, then the connection is reset"),
    (Fault.RATE_LIMIT_429, "429, nothing charged"),
    (Fault.NOT_PROCESSED_503, "503 not processed, nothing charged"),
    (Fault.UNAUTHORIZED_401, "401, as if the API key were wrong"),
    (Fault.SLOW_DRIP, "charged, the answer comes one byte every half second"),
    (Fault.LATE_ARRIVAL, "no answer; the charge is made some seconds later"),
    (Fault.LATENCY, "approved, but slowly"),
)

# Refusals that a merchant may take to the next provider hold for each try of a payment.
_HOLDING = frozenset({Fault.RATE_LIMIT_429, Fault.NOT_PROCESSED_503, Fault.UNAUTHORIZED_401})


def _cards() -> list[MagicCard]:
    cards = [
        MagicCard(number="4242424242424242", label="approved"),
        MagicCard(number="5555555555554444", label="approved"),
        MagicCard(number="378282246310005", label="approved"),
        MagicCard(
            number="4000000000000077",
            label="by chance: the account's approval rate and its mix of declines",
            by_chance=True,
        ),
        MagicCard(
            number=_number("52", 777),
            label="by chance: the account's approval rate and its mix of declines",
            by_chance=True,
        ),
    ]
    for scenario, label in _VISA_DECLINES.items():
        code = _LETTER_CODES.get(scenario, f"{scenario:02d}")
        cards.append(
            MagicCard(
                number=_number("40", scenario), amount=70_000 + scenario, code=code, label=label
            )
        )
    for scenario, (code, advice_code, label) in _MASTERCARD_DECLINES.items():
        cards.append(
            MagicCard(
                number=_number("52", scenario),
                amount=74_000 + scenario,
                code=code,
                advice_code=advice_code,
                label=label,
            )
        )
    for scenario, (fault, label) in enumerate(_FAULTS, start=1):
        cards.append(
            MagicCard(
                number=_number("41", scenario),
                amount=71_000 + scenario,
                fault=fault,
                repeats=fault in _HOLDING,
                # A refused key switches a provider off at the merchant: one is enough to see it.
                first_account_only=fault is Fault.UNAUTHORIZED_401,
                label=label,
            )
        )
    return cards


MAGIC_CARDS: tuple[MagicCard, ...] = (
    *_cards(),
    MagicCard(
        number=_number("41", 17),
        amount=71_017,
        fault=Fault.TIMEOUT_BEFORE_CHARGE,
        repeats=True,
        label="no answer to any try, nothing charged",
    ),
    MagicCard(
        number=_number("42", 1),
        amount=72_001,
        challenge=True,
        label="3-D Secure page, then as the customer decides",
    ),
    MagicCard(number=_number("42", 2), amount=72_002, pending=True, label="pending, then approved"),
    MagicCard(
        number=_number("42", 3),
        amount=72_003,
        pending=True,
        code="05",
        label="pending, then declined",
    ),
    MagicCard(
        number=_number("42", 4),
        amount=72_004,
        challenge=True,
        code="05",
        label="3-D Secure page, then declined",
    ),
    MagicCard(
        number=_number("43", 1),
        amount=73_001,
        first_account_only=True,
        code="05",
        label="do not honor",
    ),
    MagicCard(
        number=_number("43", 2),
        amount=73_002,
        first_account_only=True,
        code="91",
        label="issuer unavailable",
    ),
    MagicCard(
        number=_number("43", 3),
        amount=73_003,
        first_account_only=True,
        fault=Fault.NOT_PROCESSED_503,
        repeats=True,
        label="503 not processed",
    ),
    MagicCard(
        number=_number("43", 4),
        amount=73_004,
        first_account_only=True,
        fault=Fault.RATE_LIMIT_429,
        repeats=True,
        label="429",
    ),
)

_BY_NUMBER = {card.number: card for card in MAGIC_CARDS}
_BY_AMOUNT = {card.amount: card for card in MAGIC_CARDS if card.amount is not None}

DECLINE_MESSAGES: dict[str, str] = {
    card.code: card.label
    for card in reversed(MAGIC_CARDS)
    if card.code is not None and card.advice_code is None and not card.pending
}


def magic_for(number: str | None, amount: int) -> MagicCard | None:
    """The scenario of a payment. A card with an effect of its own wins over the amount."""
    card = _BY_NUMBER.get(number) if number is not None else None
    if card is not None and (card.amount is not None or card.by_chance):
        return card
    return _BY_AMOUNT.get(amount, card)


def effect_text(card: MagicCard) -> str:
    where = " by the first account only, others approve" if card.first_account_only else ""
    if card.code is not None and not (card.pending or card.challenge):
        advice = f" with advice code {card.advice_code}" if card.advice_code else ""
        return f"declined `{card.code}`{advice}{where}: {card.label}"
    return f"{card.label}{where}"


def magic_cards_markdown() -> str:
    """The table of the documentation; a test keeps the pages in step with the data."""
    lines = [
        "| card number | brand | or amount (minor units) | what happens |",
        "|---|---|---|---|",
    ]
    for card in MAGIC_CARDS:
        amount = "" if card.amount is None else str(card.amount)
        lines.append(f"| `{card.spaced_number}` | {card.brand} | {amount} | {effect_text(card)} |")
    return "\n".join(lines) + "\n"
