"""How settlement reports and their differences read in the back office.

Each table holds every member of its enum; a test fails when one is added without a text.
"""

from collections.abc import Mapping

from payorch.application.settlement_reports import DifferenceState, ImportState
from payorch.domain.settlement_amount import AmountStyle
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_mapping import DateStyle
from payorch.domain.settlement_matching import DifferenceKind
from payorch.presentation.backoffice.payments.payment_texts import Tone

IMPORT_STATES: Mapping[ImportState, tuple[str, Tone]] = {
    ImportState.UPLOADING: ("Upload broke off", "neutral"),
    ImportState.UPLOADED: ("Waits for its columns", "warning"),
    ImportState.READING: ("Being read", "unknown"),
    ImportState.COMPARING: ("Being compared", "unknown"),
    ImportState.DONE: ("Imported", "success"),
    ImportState.DISCARDED: ("Discarded", "neutral"),
    ImportState.UNDOING: ("Being taken back", "unknown"),
    ImportState.UNDONE: ("Taken back", "neutral"),
}

DIFFERENCE_STATES: Mapping[DifferenceState, tuple[str, Tone]] = {
    DifferenceState.OPEN: ("Open", "warning"),
    DifferenceState.RESOLVED: ("Resolved", "success"),
}

DIFFERENCE_KINDS: Mapping[DifferenceKind, tuple[str, Tone]] = {
    DifferenceKind.PAID_THERE: ("Paid there, not here", "danger"),
    DifferenceKind.MISSING_HERE: ("Missing here", "danger"),
    DifferenceKind.MISSING_THERE: ("Missing there", "warning"),
    DifferenceKind.SETTLED_TWICE: ("Settled twice", "danger"),
    DifferenceKind.OTHER_AMOUNT: ("Other amount", "warning"),
    DifferenceKind.OTHER_CURRENCY: ("Other currency", "warning"),
    DifferenceKind.OTHER_FEE: ("Other fee", "neutral"),
}

WHAT_IT_MEANS: Mapping[DifferenceKind, str] = {
    DifferenceKind.PAID_THERE: (
        "The provider has settled it, and the books say that no money moved, or do not know. "
        "Look it up at the provider: if the customer was charged, give the money back there or "
        "deliver. payorch changes nothing by itself."
    ),
    DifferenceKind.MISSING_HERE: (
        "The provider has settled money that no payment of ours knows by this reference. It may "
        "belong to another shop of the same account, or be a charge that nobody here asked for."
    ),
    DifferenceKind.MISSING_THERE: (
        "The books say that the money moved, and no report has a line of it although it should "
        "by now. Ask the provider, or import the report that has it: a line that comes late "
        "resolves this by itself."
    ),
    DifferenceKind.SETTLED_TWICE: (
        "Another line has settled the same before. The provider has paid out twice, or charged "
        "the customer twice."
    ),
    DifferenceKind.OTHER_AMOUNT: "The provider has settled another amount than the books have.",
    DifferenceKind.OTHER_CURRENCY: (
        "The provider has settled another currency than the books have, so the amounts cannot be "
        "compared."
    ),
    DifferenceKind.OTHER_FEE: (
        "The provider has kept another fee than was agreed on, as set on the provider's page."
    ),
}

ROUNDING = (
    "It is one minor unit: most likely the provider rounds its percentage differently. Allow it "
    "with the tolerance for fees when you choose the columns of its next report."
)

LINE_KINDS: Mapping[LineKind, str] = {
    LineKind.PAYMENT: "Payment",
    LineKind.REFUND: "Refund",
    LineKind.CHARGEBACK: "Chargeback",
    LineKind.FEE: "Fee",
    LineKind.PAYOUT: "Payout",
    LineKind.OTHER: "Other",
}

AMOUNT_STYLES: Mapping[AmountStyle, str] = {
    AmountStyle.POINT: "1,234.50 (point before the decimals)",
    AmountStyle.COMMA: "1.234,50 (comma before the decimals)",
    AmountStyle.MINOR_UNITS: "123450 (minor units, such as cents)",
}

DATE_STYLES: Mapping[DateStyle, str] = {
    DateStyle.ISO: "2026-01-31, also with a time",
    DateStyle.DAY_POINT: "31.01.2026",
    DateStyle.DAY_SLASH: "31/01/2026 (day first)",
    DateStyle.MONTH_SLASH: "01/31/2026 (month first)",
    DateStyle.DIGITS: "20260131",
}
