"""What customers of the demo buy: made-up people and goods, the same for the same seed."""

from dataclasses import dataclass, field
from random import Random

from payorch.domain.money import Money

_FIRST_NAMES = (
    "Ana",
    "Ben",
    "Carla",
    "David",
    "Elif",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Klara",
    "Luca",
    "Mia",
    "Noah",
    "Olga",
    "Pablo",
    "Rosa",
    "Sven",
    "Tomas",
    "Uma",
    "Vera",
    "Wim",
    "Xenia",
    "Yusuf",
    "Zoe",
)
_LAST_NAMES = (
    "Alvarez",
    "Bauer",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "Garcia",
    "Haas",
    "Ivanova",
    "Jansen",
    "Keller",
    "Lopez",
    "Meyer",
    "Novak",
    "Okafor",
    "Petit",
    "Rossi",
    "Silva",
    "Tanaka",
    "Urban",
    "Vogel",
    "Weber",
    "Young",
    "Zimmer",
)

# Goods with their usual price in hundredths, as tens of customers would buy them.
_GOODS = (
    ("Coffee beans, 1 kg", 1890),
    ("Trail running shoes", 12900),
    ("Paperback novel", 1299),
    ("Noise cancelling headphones", 24900),
    ("Garden chair", 7950),
    ("Bicycle light set", 3490),
    ("Concert ticket", 6400),
    ("Monthly museum pass", 2900),
    ("Merino sweater", 8900),
    ("Chess set", 4550),
    ("Espresso machine", 54900),
    ("Train ticket", 3980),
)

_MARKETS = (
    # country, currency, weight, amount in minor units per hundredth of a price
    ("DE", "EUR", 30, 1),
    ("ES", "EUR", 16, 1),
    ("FR", "EUR", 12, 1),
    ("NL", "EUR", 8, 1),
    ("GB", "GBP", 9, 1),
    ("US", "USD", 15, 1),
    ("BR", "BRL", 5, 5),
    ("AR", "USD", 3, 1),
    ("JP", "JPY", 2, 2),
)
_WEIGHTS = tuple(market[2] for market in _MARKETS)

WALLET_SHARE = 0.07
BANK_SHARE = 0.03
"""Customers who would rather pay without a card, where that is offered."""


@dataclass(frozen=True, slots=True)
class DemoOrder:
    amount_minor: int
    currency: str
    country: str
    description: str
    customer_name: str
    customer_email: str
    customer_fields: dict[str, str] = field(default_factory=dict)

    @property
    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)


def draw_order(random: Random) -> DemoOrder:
    """One customer with one order."""
    country, currency, _, factor = random.choices(_MARKETS, weights=_WEIGHTS)[0]
    goods, price = random.choice(_GOODS)
    quantity = random.choices((1, 2, 3), weights=(80, 15, 5))[0]
    name = f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"
    email = f"{name.lower().replace(' ', '.')}{random.randrange(1000)}@example.com"
    fields = {}
    if country in {"AR", "BR"}:
        kind = "DNI" if country == "AR" else "CPF"
        fields = {"document_type": kind, "document_number": str(random.randrange(10**10, 10**11))}
    return DemoOrder(
        amount_minor=price * quantity * factor + random.randrange(0, 100) * factor,
        currency=currency,
        country=country,
        description=goods if quantity == 1 else f"{quantity} x {goods}",
        customer_name=name,
        customer_email=email,
        customer_fields=fields,
    )
