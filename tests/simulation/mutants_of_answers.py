"""payorch broken on purpose: what it believes of a provider, and what it gives back of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from payorch.application.resolution_ladder import ResolutionLadder, Step, _is_not_found
from payorch.domain.outcome import Unknown
from payorch.infrastructure.gateways.sandbox import transform
from payorch.infrastructure.gateways.sandbox.webhooks import SandboxWebhookVerifier
from payorch.infrastructure.persistence import (
    payment_ledger,
    surplus_charges,
)
from tests.simulation.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator


def forged_events_are_trusted() -> AbstractContextManager[Any]:
    return patch.object(SandboxWebhookVerifier, "_is_signed", lambda *_: True)


@contextmanager
def nothing_is_given_back() -> Iterator[None]:
    """No double-payment guard."""
    with (
        patch.object(surplus_charges, "insert_give_back", lambda *_: False),
        patch.object(payment_ledger, "insert_give_back", lambda *_: False),
    ):
        yield


def refusals_are_believed_whatever_they_name() -> AbstractContextManager[Any]:
    return patch.object(transform, "names_a_payment", lambda _: False)


def the_ladder_stops_at_what_it_cannot_read() -> AbstractContextManager[Any]:
    original = ResolutionLadder._goes_on_after

    def goes_on_after(self, climb):
        is_seen = climb.step is Step.READ and not _is_not_found(climb.answer)
        return not is_seen and original(self, climb)

    def should_cancel(self, outcome):
        return not isinstance(outcome, Unknown) and self.capabilities.cancel_by_id

    return patch.multiple(
        ResolutionLadder, _goes_on_after=goes_on_after, _should_cancel=should_cancel
    )


def one_object_speaks_for_all() -> AbstractContextManager[Any]:
    return patch.object(ResolutionLadder, "_confirmed", lambda _, climb: climb)


MUTANTS_OF_ANSWERS = (
    Mutant("forged events are trusted", forged_events_are_trusted),
    Mutant("nothing is given back", nothing_is_given_back),
    Mutant("refusals are believed", refusals_are_believed_whatever_they_name),
    Mutant("the ladder stops at a read", the_ladder_stops_at_what_it_cannot_read),
    Mutant("one object speaks for all", one_object_speaks_for_all),
)
