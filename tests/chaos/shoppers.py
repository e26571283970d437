"""Customers who press twice, lose patience, ask again under the same key, and try once more.

They remember all they were told; the comparison holds payorch to it.
"""

import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import urllib3

from tests.web_process import a_payment_body

BY_CHANCE, APPROVED, PENDING, LOST_CARD = (
    "4000000000000077",
    "4242424242424242",
    "4200000000000026",
    "4000000000000416",
)
CARDS = {APPROVED: 70, BY_CHANCE: 20, PENDING: 5, LOST_CARD: 5}

FINAL = frozenset({"paid", "declined", "not_charged"})
PATIENCE_S = 5.0
DOUBLE_PRESS_SHARE = 0.25
MOST_TRIES = 6
"""A customer who has pressed that often without an answer leaves."""
SECOND_TRY_SHARE = 0.5


@dataclass(slots=True)
class Purchase:
    """One idempotency key and what its customer was told. Lists only grow, from any thread."""

    key: str
    path: str
    body: dict[str, object]
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def final(self) -> tuple[str, str] | None:
        """(order id, result) once the customer knows how it ended."""
        return next((told for told in self.told if told[1] in FINAL), None)


class ShopFront:
    """The addresses that customers try, and a tally of the answers they got."""

    def __init__(self, base_urls: list[str]) -> None:
        self.base_urls = base_urls
        self.answers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._http = urllib3.PoolManager(maxsize=64, retries=False)

    def press(self, purchase: Purchase, base_url: str) -> None:
        """One request. No answer, or "in progress", tells the customer nothing."""
        try:
            response = self._http.request(
                "POST",
                f"{base_url}/api/v1{purchase.path}",
                body=json.dumps(purchase.body),
                headers={"Content-Type": "application/json", "Idempotency-Key": purchase.key},
                timeout=PATIENCE_S,
            )
        except urllib3.exceptions.HTTPError:
            self._count("no answer")
            return
        answer = json.loads(response.data)
        if response.status in {200, 201, 202}:
            self._count(answer["result"])
            purchase.told.append((answer["order"]["id"], answer["result"]))
        else:
            self._count(f"{response.status} {answer.get('code')}")

    def _count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1


class Shopper:
    """One customer after another, in one thread."""

    def __init__(self, front: ShopFront, name: str, seed: int) -> None:
        self._front = front
        self._name = name
        self._random = random.Random(seed)
        self.purchases: list[Purchase] = []

    def shop_until(self, closing: threading.Event) -> None:
        with ThreadPoolExecutor(2) as fingers:
            while not closing.is_set():
                purchase = self._new_purchase("/payments", self._body())
                self._buy(purchase, fingers, closing)
                if self._wants_to_try_again(purchase):
                    again = self._second_try(purchase)
                    self._buy(again, fingers, closing)

    def _buy(
        self, purchase: Purchase, fingers: ThreadPoolExecutor, closing: threading.Event
    ) -> None:
        addresses = self._front.base_urls
        for _ in range(self._random.randint(1, MOST_TRIES)):
            presses = 2 if self._random.random() < DOUBLE_PRESS_SHARE else 1
            # The second of two simultaneous presses may well meet another server.
            places = [self._random.choice(addresses) for _ in range(presses)]
            list(fingers.map(partial(self._front.press, purchase), places))
            if purchase.final or closing.wait(self._random.uniform(0.05, 0.4)):
                return

    def _new_purchase(self, path: str, body: dict[str, object]) -> Purchase:
        purchase = Purchase(f"{self._name}-{len(self.purchases)}", path, body)
        self.purchases.append(purchase)
        return purchase

    def _body(self) -> dict[str, object]:
        card = self._random.choices(list(CARDS), weights=list(CARDS.values()))[0]
        # Somebody new each time: one customer with that many declines would be a card tester.
        customer = {"name": "Ana Diaz", "email": f"{self._name}-{len(self.purchases)}@example.com"}
        amount_minor = self._random.randint(100, 9_999)
        return a_payment_body(card, amount_minor=amount_minor, customer=customer)

    def _wants_to_try_again(self, purchase: Purchase) -> bool:
        is_unpaid = purchase.final is not None and purchase.final[1] != "paid"
        return is_unpaid and self._random.random() < SECOND_TRY_SHARE

    def _second_try(self, purchase: Purchase) -> Purchase:
        """The same order once more, with a good card and a key of its own."""
        assert purchase.final is not None
        order_id = purchase.final[0]
        return self._new_purchase(f"/orders/{order_id}/pay", {"card": a_payment_body()["card"]})


def ask_once_more(front: ShopFront, purchases: list[Purchase]) -> None:
    """Everybody who does not know how it ended repeats the request under the same key."""
    for purchase in purchases:
        if purchase.final is None:
            front.press(purchase, front.base_urls[0])
