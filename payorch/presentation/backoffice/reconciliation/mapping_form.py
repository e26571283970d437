"""The form in which finance says what the columns of a report mean.

The first time it guesses by the names of the columns; the next time it shows what was kept. A
guess is only a proposal: nothing is read before somebody has looked at it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from payorch.domain.errors import InvalidSettlementMapping
from payorch.domain.settlement_amount import AmountStyle
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_mapping import (
    DEFAULT_SETTLING_DELAY_DAYS,
    DateStyle,
    SettlementMapping,
)
from payorch.presentation.backoffice.reconciliation.settlement_texts import LINE_KINDS

MAX_KIND_VALUES = 50

Choice = TypeVar("Choice", AmountStyle, DateStyle)


@dataclass(frozen=True, slots=True)
class ColumnField:
    name: str
    label: str
    hint: str
    is_required: bool
    guess: re.Pattern[str]


def _field(
    name: str, label: str, hint: str, guess: str, *, is_required: bool = False
) -> ColumnField:
    return ColumnField(name, label, hint, is_required, re.compile(guess, re.IGNORECASE))


COLUMN_FIELDS: Sequence[ColumnField] = (
    _field(
        "reference_column",
        "Provider's payment id",
        "Or its id of the refund, in lines of refunds.",
        r"^(psp.?reference|payment.?id|transaction.?id|charge.?id|source.?id|id)$",
    ),
    _field(
        "our_reference_column",
        "Our reference",
        "What payorch has sent along: pa_… or re_….",
        r"^(merchant.?)?(reference|order.?id)$",
    ),
    _field("kind_column", "Kind of line", "Say below what its values mean.", r"type|kind|category"),
    _field(
        "amount_column",
        "Amount (gross)",
        "Before the fee is taken off.",
        r"^gross|^amount|amount$|gross",
        is_required=True,
    ),
    _field("fee_column", "Fee", "What the provider keeps of it.", r"^fees?\b|fee|commission"),
    _field("net_column", "Net", "Kept as it is, for you to see.", r"^net"),
    _field("currency_column", "Currency", "As EUR.", r"currency|^ccy$", is_required=True),
    _field(
        "settled_on_column",
        "Settled on",
        "The day it was settled.",
        r"settle.*(on|date|at)|booking|value.?date|date|created",
        is_required=True,
    ),
    _field("payout_column", "Payout id", "Of the transfer to your bank.", r"payout|transfer|batch"),
    _field(
        "line_id_column",
        "Provider's id of the line",
        "Only if each line has one of its own that never changes.",
        r"^line.?id$|balance.?transaction|entry.?id",
    ),
)

_GUESSED_KINDS: Mapping[LineKind, str] = {
    LineKind.PAYMENT: "payment, charge, capture, sale",
    LineKind.REFUND: "refund",
    LineKind.CHARGEBACK: "chargeback, dispute",
    LineKind.FEE: "fee",
    LineKind.PAYOUT: "payout, transfer",
    LineKind.OTHER: "adjustment",
}


@dataclass(frozen=True, slots=True)
class MappingForm:
    """Texts by the names of the form's fields, as typed."""

    values: Mapping[str, str]

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> "MappingForm":
        names = [*(field.name for field in COLUMN_FIELDS), *(_kind_name(k) for k in LineKind)]
        names += ["amount_style", "date_style", "settling_delay_days", "fee_tolerance_minor"]
        return cls({name: form.get(name, "") for name in names})

    @classmethod
    def of(cls, mapping: SettlementMapping) -> "MappingForm":
        values = {field.name: getattr(mapping, field.name) or "" for field in COLUMN_FIELDS}
        for kind in LineKind:
            said = [value for value, of in mapping.kinds.items() if of is kind]
            values[_kind_name(kind)] = ", ".join(said)
        return cls(
            values
            | {
                "amount_style": mapping.amount_style.value,
                "date_style": mapping.date_style.value,
                "settling_delay_days": str(mapping.settling_delay_days),
                "fee_tolerance_minor": str(mapping.fee_tolerance_minor),
            }
        )

    @classmethod
    def guessed(cls, header: Sequence[str]) -> "MappingForm":
        values: dict[str, str] = {}
        for field in COLUMN_FIELDS:
            free = [name for name in header if name not in values.values()]
            values[field.name] = next((name for name in free if field.guess.search(name)), "")
        values |= {_kind_name(kind): words for kind, words in _GUESSED_KINDS.items()}
        return cls(
            values
            | {
                "amount_style": AmountStyle.POINT.value,
                "date_style": DateStyle.ISO.value,
                "settling_delay_days": str(DEFAULT_SETTLING_DELAY_DAYS),
                "fee_tolerance_minor": "0",
            }
        )

    def mapping(self) -> SettlementMapping:
        """Raises InvalidSettlementMapping."""
        columns = {field.name: self.values[field.name] or None for field in COLUMN_FIELDS}
        required = {f.name: self.values[f.name] for f in COLUMN_FIELDS if f.is_required}
        has_kinds = columns["kind_column"] is not None
        return SettlementMapping(
            **(columns | required),  # type: ignore[arg-type]  # the required ones are texts
            kinds=self._kinds() if has_kinds else {},
            amount_style=_chosen(AmountStyle, self.values["amount_style"], "amounts"),
            date_style=_chosen(DateStyle, self.values["date_style"], "dates"),
            settling_delay_days=_whole(self.values["settling_delay_days"], "days"),
            fee_tolerance_minor=_whole(self.values["fee_tolerance_minor"], "minor units"),
        )

    def _kinds(self) -> Mapping[str, LineKind]:
        kinds: dict[str, LineKind] = {}
        for kind in LineKind:
            for part in self.values[_kind_name(kind)].split(","):
                value = part.strip().lower()
                if value and kinds.setdefault(value, kind) is not kind:
                    other = LINE_KINDS[kinds[value]].lower()
                    raise InvalidSettlementMapping(
                        f"“{value[:40]}” cannot mean both {other} and {LINE_KINDS[kind].lower()}."
                    )
        if len(kinds) > MAX_KIND_VALUES:
            raise InvalidSettlementMapping("That are too many values of the kind.")
        return kinds


def kind_fields(form: MappingForm) -> Sequence[tuple[str, str, str]]:
    """(name, label, text) of the field for each kind of line."""
    return [
        (_kind_name(kind), LINE_KINDS[kind], form.values[_kind_name(kind)]) for kind in LineKind
    ]


def _kind_name(kind: LineKind) -> str:
    return f"kind_{kind.value}"


def _chosen(kind: type[Choice], value: str, what: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise InvalidSettlementMapping(f"Choose how the report writes {what}.") from None


def _whole(text: str, unit: str) -> int:
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > 7:
        raise InvalidSettlementMapping(f"Give a whole number of {unit}.")
    return int(typed)
