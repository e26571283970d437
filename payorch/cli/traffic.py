"""Live traffic of the demo: customers who order and pay through the real checkout pages."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode

from payorch.cli.browser import Browser, BrowsingError, Page
from payorch.infrastructure.demo_shop import BANK_SHARE, WALLET_SHARE, DemoOrder, draw_order
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS

MOST_CUSTOMERS_AT_ONCE = 16
SECOND_TRY_SHARE = 0.35
OWN_CHOICE_SHARE = 0.3
ABANDONED_CHALLENGE_SHARE = 0.1

_CHANCE_CARDS = tuple(card.number for card in MAGIC_CARDS if card.by_chance)
_GOOD_CARD = "4242424242424242"
_RESULT = re.compile(r'class="[^"]*\bresult-(success|danger|warning|unknown|neutral)\b')
_OPTION = re.compile(r'name="provider"[^>]*value="([a-z0-9_]+)"')
_WALLET = "delta"
_BANK = "delta_bank"
_WITHOUT_CARD = frozenset({_WALLET, _BANK})

# What the colors of the result page stand for.
_KINDS = {
    "success": "paid",
    "danger": "declined",
    "unknown": "confirming",
    "warning": "left at the bank",
    "neutral": "other",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """How one customer wants to pay. `luck` in [0, 1) picks among the offered providers."""

    order: DemoOrder
    card_number: str
    wants_wallet: bool
    wants_bank: bool
    chooses_provider: bool
    tries_again: bool
    abandons_challenge: bool
    luck: float


def draw_wishes(random: Random) -> Wishes:
    return Wishes(
        order=draw_order(random),
        card_number=random.choice(_CHANCE_CARDS),
        wants_wallet=random.random() < WALLET_SHARE,
        wants_bank=random.random() < BANK_SHARE,
        chooses_provider=random.random() < OWN_CHOICE_SHARE,
        tries_again=random.random() < SECOND_TRY_SHARE,
        abandons_challenge=random.random() < ABANDONED_CHALLENGE_SHARE,
        luck=random.random(),
    )


class Traffic:
    """`rate` customers per second arrive at random moments; `counts` says what came of them."""

    def __init__(self, base_url: str, *, rate: float, seed: int) -> None:
        self._base_url = base_url
        self._rate = rate
        self._random = Random(seed)  # noqa: S311 - made-up customers, nothing secret
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._under_way = 0

    def run(self, stop: threading.Event) -> None:
        """Send customers until `stop` is set; then wait for those who are still paying."""
        with ThreadPoolExecutor(MOST_CUSTOMERS_AT_ONCE, "customer") as pool:
            while not stop.wait(self._random.expovariate(self._rate)):
                if self._may_enter():
                    pool.submit(self._serve, draw_wishes(self._random))

    def _may_enter(self) -> bool:
        with self._lock:
            if self._under_way >= MOST_CUSTOMERS_AT_ONCE:
                return False
            self._under_way += 1
            return True

    @property
    def counts(self) -> Counter[str]:
        with self._lock:
            return self._counts.copy()

    def _serve(self, wishes: Wishes) -> None:
        browser = Browser()
        try:
            kind = self._buy(browser, wishes)
        except BrowsingError:
            kind = "no answer"
        finally:
            browser.close()
            with self._lock:
                self._under_way -= 1
        with self._lock:
            self._counts["orders"] += 1
            self._counts[kind] += 1

    def _buy(self, browser: Browser, wishes: Wishes) -> str:
        order = wishes.order
        query = urlencode(
            {
                "amount": amount_text(order),
                "currency": order.currency,
                "description": order.description,
                "country": order.country,
            }
        )
        page = browser.get(f"{self._base_url}/checkout?{query}")
        provider = choice_of(page, wishes)
        page = browser.send(page.form("pay-form"), fields_of(wishes, provider))
        if not page.url.startswith(self._base_url) and not wishes.abandons_challenge:
            page = browser.send(page.form(), {"decision": "approve"})
        kind = kind_of(page, self._base_url)
        if kind == "declined" and wishes.tries_again:
            again = fields_of(wishes, "") | {"card_number": _GOOD_CARD}
            page = browser.send(page.form("pay-form"), again)
            kind = kind_of(page, self._base_url)
        return kind


def choice_of(page: Page, wishes: Wishes) -> str:
    """The provider this customer picks; empty is "best available"."""
    offered = [code for code in _OPTION.findall(page.text) if code]
    if wishes.wants_wallet and _WALLET in offered:
        return _WALLET
    if wishes.wants_bank and _BANK in offered:
        return _BANK
    cards = [code for code in offered if code not in _WITHOUT_CARD]
    return cards[int(wishes.luck * len(cards))] if wishes.chooses_provider and cards else ""


def fields_of(wishes: Wishes, provider: str) -> dict[str, str]:
    """What the customer types into the checkout."""
    order = wishes.order
    fields = {
        "amount": amount_text(order),
        "currency": order.currency,
        "description": order.description,
        "name": order.customer_name,
        "email": order.customer_email,
        "country": order.country,
        "provider": provider,
        **{f"extra_{code}": value for code, value in order.customer_fields.items()},
    }
    if provider not in _WITHOUT_CARD:
        fields |= {
            "card_number": wishes.card_number,
            "card_expiry": "12/34",
            "card_cvc": "123",
        }
    return fields


def amount_text(order: DemoOrder) -> str:
    """The order's amount as a customer writes it."""
    return f"{order.money.to_decimal():f}"


def kind_of(page: Page, base_url: str) -> str:
    """What the page that a customer ended on says of the payment."""
    if not page.url.startswith(base_url):
        return "left at the bank"
    found = _RESULT.search(page.text)
    if found is None:
        return f"refused ({page.status})" if page.status >= 400 else "other"
    return _KINDS[found[1]]
