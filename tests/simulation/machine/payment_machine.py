"""All steps together, and how everything comes to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis.stateful import invariant, precondition, rule

from payorch.application.verify_ledger import TIMELESS_KINDS
from tests.simulation.machine.agreement import Agreement
from tests.simulation.machine.ending import Ending
from tests.simulation.machine.refunding import Refunding
from tests.simulation.machine.telling import Telling

if TYPE_CHECKING:
    from payorch.infrastructure.persistence.database import Database


class PaymentMachine(Ending, Telling, Refunding):
    def teardown(self) -> None:
        """The books are compared once more when every provider has said what it is to say."""
        self._settle_everything()
        Agreement(self.books, self.providers).check_at_rest(self.model)

    @precondition(lambda self: self.model)
    @rule()
    def everything_comes_to_rest(self) -> None:
        """Once the providers have decided what they were to decide later."""
        self._settle_everything()
        agreement = Agreement(self.books, self.providers)
        agreement.check_at_rest(self.model)
        for order in self.model:
            order.status = agreement.status_of(order)
        verified = self.shop.wired.verify.execute(since=None, kinds=TIMELESS_KINDS)
        assert not verified.errors

    @invariant()
    def books_model_and_providers_agree(self) -> None:
        Agreement(self.books, self.providers).check(self.model)

    def _settle_everything(self) -> None:
        self.providers_settle_what_is_open(is_approved=True)
        self.providers_end_refunds(is_given_back=True)
        self.recover()


def machine_on(opened: Database) -> type[PaymentMachine]:
    class MachineHere(PaymentMachine):
        database = opened

    return MachineHere
