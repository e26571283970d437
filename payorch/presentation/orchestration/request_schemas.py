"""What clients may send. Anything else, an unknown key included, is refused with 422."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress

from payorch.application.commands import CreateOrder
from payorch.domain.instrument import CardInstrument
from payorch.domain.money import MAX_AMOUNT_MINOR, Money
from payorch.domain.payment_order import Customer
from payorch.presentation.orchestration.text_types import (
    CardCode,
    CardNumber,
    CountryCode,
    CurrencyCode,
    Email,
    FieldName,
    Line100,
    Line120,
    Line200,
    Line500,
    MetadataKey,
    ProviderCode,
)

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

# Says in the document, too, that keys of another form are refused.
_SHORT_MAP = Field(max_length=20, json_schema_extra={"additionalProperties": False})

MAX_EXPIRY_MIN = 30 * 24 * 60
"""The customer's link ends after 30 days; an order must not outlive it."""

AmountMinor = Annotated[
    int,
    Field(gt=0, le=MAX_AMOUNT_MINOR, description="Minor units: 1250 is 12.50 EUR or 1250 JPY"),
]

LetterLanguage = Annotated[
    Literal["en", "es"],
    Field(description="Language of the e-mails to the customer; the shop's own when left out"),
]


class CustomerIn(BaseModel):
    """Who pays; `fields` are the extra ones that a payment method requires."""

    model_config = _STRICT

    name: Line120
    email: Email
    fields: Annotated[dict[FieldName, Line200], _SHORT_MAP] = {}

    def to_customer(self) -> Customer:
        return Customer(name=self.name, email=self.email, fields=self.fields)


class CardIn(BaseModel):
    """A typed card. It is used for this one submission and kept nowhere."""

    model_config = _STRICT

    number: CardNumber
    exp_month: Annotated[int, Field(ge=1, le=12)]
    exp_year: Annotated[int, Field(ge=2000, le=2100)]
    cvc: CardCode
    holder: Line100

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [(None, "hidden")]

    def to_instrument(self) -> CardInstrument:
        return CardInstrument(
            number=self.number,
            exp_month=self.exp_month,
            exp_year=self.exp_year,
            cvc=self.cvc,
            holder=self.holder,
        )


class OrderIn(BaseModel):
    """What is to be paid."""

    model_config = _STRICT

    amount_minor: AmountMinor
    currency: CurrencyCode
    description: Line200
    country: CountryCode
    customer: CustomerIn | None = None
    merchant_reference: Line120 | None = None
    metadata: Annotated[dict[MetadataKey, Line500], _SHORT_MAP] = {}
    expires_in_minutes: Annotated[int, Field(ge=1, le=MAX_EXPIRY_MIN)] | None = None

    def to_command(self, *, idempotency_key: str | None, request_hash: str | None) -> CreateOrder:
        return CreateOrder(
            money=Money(self.amount_minor, self.currency),
            description=self.description,
            country=self.country,
            customer=self.customer.to_customer() if self.customer else None,
            merchant_reference=self.merchant_reference,
            metadata=self.metadata,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            expires_after_min=self.expires_in_minutes,
        )


class PayIn(BaseModel):
    """How to pay an order. Without a card, a method with a page of its own is used."""

    model_config = _STRICT

    provider: ProviderCode | None = None
    customer: CustomerIn | None = None
    card: CardIn | None = None
    country: CountryCode | None = None
    language: LetterLanguage | None = None
    client_ip: IPvAnyAddress | None = Field(
        default=None,
        description="The customer's network address, for the limits on declined attempts.",
    )


class PaymentIn(OrderIn):
    """An order and how to pay it, in one request."""

    provider: ProviderCode | None = None
    card: CardIn | None = None
    language: LetterLanguage | None = None
    client_ip: IPvAnyAddress | None = Field(
        default=None,
        description="The customer's network address, for the limits on declined attempts.",
    )


class MethodsQuery(BaseModel):
    """The order for which methods are asked."""

    # Not strict: a query string holds nothing but text.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    amount_minor: AmountMinor
    currency: CurrencyCode
    country: CountryCode

    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)


class CancelIn(BaseModel):
    """Why an order is not to be paid any more."""

    model_config = _STRICT

    reason: Line500
