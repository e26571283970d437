"""Events of the providers: in any order, twice, late, early, forged; secrets are changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from payorch.application.provider_events import Rejected
from payorch.application.receive_provider_event import Received
from payorch.infrastructure.jobs import drain
from payorch.sandbox_provider.webhook_signature import signature
from tests.simulation.machine.paying import MOODS, Paying
from tests.simulation.machine.shop_floor import WHICH, ShopFloor, secret_of
from tests.simulation.scripted_providers import NAMES

if TYPE_CHECKING:
    from tests.shop import Shop
    from tests.simulation.machine.model import ModelOrder
    from tests.simulation.scripted_providers import Letter, Mood

FORGERIES = (
    "guessed secret",
    "too old",
    "in the future",
    "other account",
    "written anew",
    "retired",
)
TOLERANCE_S = 300


class Telling(Paying):
    def __init__(self) -> None:
        super().__init__()
        self._signs_with = [1]
        self._taken: set[str] = set()

    @precondition(lambda self: self.providers.letters)
    @rule(which=WHICH, times=st.sampled_from((1, 1, 2)))
    def an_event_arrives(self, which: int, times: int) -> None:
        """Late ones and repeated ones are genuine all the same: one is taken once."""
        letter = self._letter(which)
        for _ in range(times):
            self._deliver(self.shop, letter)

    @precondition(lambda self: self.providers.letters)
    @rule(which=WHICH)
    def an_event_is_followed_up_at_once(self, which: int) -> None:
        """The provider is well and nobody else is at work: what it charged is in the books now."""
        letter = self._letter(which)
        if letter.id in self._taken:
            return
        self.set_out()
        self.providers.heal()
        self._deliver(self.shop, letter)
        self._follow_up(self.shop)
        if letter.kind.startswith("payment."):
            self._require_settled(str(letter.about["reference"]))

    @rule(order=ShopFloor.orders, moods=MOODS)
    def events_come_before_the_answer(self, order: ModelOrder, moods: dict[str, Mood]) -> None:
        """What a provider says of the charge arrives, and is followed up, before we commit it."""
        known = len(self.providers.letters)

        def hear() -> None:
            for letter in self.providers.letters[known:]:
                self._deliver(self.other, letter)
            # Whom other events make it ask takes no time, or the customer's would run out here.
            self.providers.heal()
            self._follow_up(self.other)
            self.providers.moods = dict(moods)

        self.providers.meanwhile = hear
        self.pays(order, moods, None)
        self.providers.meanwhile = None

    @precondition(lambda self: self.providers.letters)
    @rule(which=WHICH, how=st.sampled_from(FORGERIES))
    def a_forged_event_arrives(self, which: int, how: str) -> None:
        letter = self._letter(which)
        before = self._events_and_jobs()

        received = self._send_forged(letter, how)

        assert isinstance(received, Rejected)
        assert self._events_and_jobs() == before

    @precondition(lambda self: self.providers.letters)
    @rule(which=WHICH, status=st.sampled_from(("approved", "declined", "cancelled", "pending")))
    def an_event_claims_what_is_not_so(self, which: int, status: str) -> None:
        """Genuine, and wrong: it is taken, but what it says is not believed."""
        letter = self._letter(which)
        if not letter.kind.startswith("payment."):
            return
        captured = letter.about["amount"] if status == "approved" else 0
        about = {**letter.about, "status": status, "captured_amount": captured}
        name = f"evt_wrong_{next(self.numbers)}"
        self._deliver(self.shop, replace(letter, id=name, kind=f"payment.{status}", about=about))

    @rule()
    def ops_take_a_step_of_a_rotation(self) -> None:
        """payorch takes the new secret, too; the provider changes over; the old one is removed.

        At each step the events that the provider signs are taken.
        """
        newest = self.accepted_secrets[-1]
        if len(self.accepted_secrets) == 1:
            self._restart_with([newest, newest + 1])
        elif self._signs_with == [newest - 1]:
            self._signs_with = [newest - 1, newest]
        elif self._signs_with == [newest - 1, newest]:
            self._signs_with = [newest]
        else:
            self._restart_with([newest])

    def _restart_with(self, secrets: list[int]) -> None:
        self.accepted_secrets = secrets
        self.shop, self.other = self.new_process(), self.new_process()

    def _letter(self, which: int) -> Letter:
        """Counted from the latest."""
        letters = self.providers.letters
        return letters[-1 - which % len(letters)]

    def _deliver(self, shop: Shop, letter: Letter) -> None:
        received = self._send(
            shop, letter, [secret_of(n, letter.account) for n in self._signs_with]
        )
        assert received == Received(is_new=letter.id not in self._taken)
        self._taken.add(letter.id)

    def _send_forged(self, letter: Letter, how: str) -> Received | Rejected:
        """A new id, or a known event's one: neither helps who does not know the secret."""
        right = [secret_of(n, letter.account) for n in self._signs_with]
        match how:
            case "guessed secret":
                return self._send(self.shop, letter, ["guessed"])
            case "too old":
                return self._send(self.shop, letter, right, age_s=TOLERANCE_S + 1)
            case "in the future":
                return self._send(self.shop, letter, right, age_s=-TOLERANCE_S - 1)
            case "other account":
                to = NAMES[(NAMES.index(letter.account) + 1) % len(NAMES)]
                return self._send(self.shop, letter, right, to=to)
            case "written anew":
                return self._send(self.shop, letter, right, body=letter.body + b" ")
        retired = secret_of(self.accepted_secrets[0] - 1, letter.account)
        return self._send(self.shop, letter, [retired])

    def _send(
        self,
        shop: Shop,
        letter: Letter,
        secrets: list[str],
        *,
        age_s: int = 0,
        to: str | None = None,
        body: bytes | None = None,
    ) -> Received | Rejected:
        """`body`, when it is not the one that was signed."""
        at = int(self.clock.now().timestamp()) - age_s
        signatures = [
            signature(secret, message_id=letter.id, timestamp=at, body=letter.body)
            for secret in secrets
        ]
        headers = {
            "webhook-id": letter.id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signatures),
        }
        receive = shop.services.receive_event.execute
        return receive(to or letter.account, headers, letter.body if body is None else body)

    def _follow_up(self, shop: Shop) -> None:
        drain(shop.wired.background, queues=("webhooks", "refunds"))
        for order in self.model:
            order.status = None if order.status == "processing" else order.status

    def _require_settled(self, reference: str) -> None:
        """An order whose charge was told and asked about is paid, or its cancel was proved."""
        (payment,) = self.providers.of_reference(reference)
        rows = self.books.rows(
            "SELECT o.status FROM orders o JOIN transactions t ON t.order_id = o.id"
            " WHERE t.public_id = :reference",
            reference=reference,
        )
        assert not payment.captured or rows[0].status == "paid"

    def _events_and_jobs(self) -> tuple[int, int]:
        (row,) = self.books.rows(
            "SELECT (SELECT count(*) FROM webhook_events) AS events,"
            " (SELECT count(*) FROM jobs) AS jobs"
        )
        return row.events, row.jobs
