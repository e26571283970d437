"""Drafts of the next routing policy: kept for the person who edits, in force for nobody.

Each person has one. A shared draft would let one publish, under one reason, what another had only
half thought through; two drafts meet where they are published, and there one of them is told.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.change_routing_policy import check_providers
from payorch.application.configuration import PaymentMethodRepository
from payorch.application.ports import Clock
from payorch.domain.routing_policy import RoutingPolicy


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """`policy.version` is the version that the draft was made from, and would replace."""

    policy: RoutingPolicy
    saved_at: datetime


class RoutingDrafts(Protocol):
    """By the e-mail address of the owner."""

    def of(self, owner: str) -> SavedDraft | None: ...

    def save(self, owner: str, draft: SavedDraft) -> None: ...

    def discard(self, owner: str) -> None: ...


class EditRoutingDraftUseCase:
    def __init__(
        self, drafts: RoutingDrafts, methods: PaymentMethodRepository, clock: Clock
    ) -> None:
        self._drafts = drafts
        self._methods = methods
        self._clock = clock

    def execute(self, owner: str, policy: RoutingPolicy) -> None:
        """Keep `policy` as the owner's draft, in place of the one before.

        Raises InvalidRoutingPolicy when it does not name exactly our providers.
        """
        check_providers(policy, self._methods.load_configuration().methods)
        self._drafts.save(owner, SavedDraft(policy, self._clock.now()))

    def discard(self, owner: str) -> None:
        self._drafts.discard(owner)
