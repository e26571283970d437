"""Adaptive routing: one step a minute, by whichever worker comes first."""

from payorch.application.adapt_routing import AdaptRoutingUseCase
from payorch.application.jobs import ADAPT_ROUTING, MINUTE_S, Job, JobHandler, Schedule
from payorch.application.metrics_rollup import ProviderMetricsRepository
from payorch.infrastructure.persistence.adaptive_share_book import SqlAlchemyAdaptiveShareBook
from payorch.wiring.base import Base

ADAPTIVE_SCHEDULE = Schedule(ADAPT_ROUTING, MINUTE_S)


def adaptive_handlers(
    base: Base, book: SqlAlchemyAdaptiveShareBook, repository: ProviderMetricsRepository
) -> dict[str, JobHandler]:
    adapt = AdaptRoutingUseCase(
        registry=base.registry, repository=repository, book=book, clock=base.clock
    )

    def run(_job: Job) -> None:
        adapt.execute()

    return {ADAPT_ROUTING.name: run}
