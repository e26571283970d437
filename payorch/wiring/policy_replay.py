"""Replays of routing policies: the log of the database, the engine in numpy."""

from collections.abc import Callable

from payorch.application.configuration import RoutingPolicyRepository
from payorch.application.replay_policy import ReplayPolicyUseCase
from payorch.domain.provider_fees import FeeSchedule
from payorch.infrastructure.persistence.replay_history import SqlAlchemyReplayHistory
from payorch.infrastructure.replay.replayer import replayer_of
from payorch.wiring.base import Base


def policy_replay(
    base: Base, policies: RoutingPolicyRepository, fees: Callable[[], FeeSchedule]
) -> ReplayPolicyUseCase:
    return ReplayPolicyUseCase(
        history=SqlAlchemyReplayHistory(
            base.database,
            policies=policies,
            configuration=base.registry.configuration,
            decline_policy=base.decline_policy,
            decline_settings=base.decline_policy.settings,
        ),
        engine=replayer_of,
        registry=base.registry,
        fees=fees,
        clock=base.clock,
    )
