"""Alerts about the numbers: looked for once a minute by whichever worker comes first."""

from payorch.application.evaluate_alerts import EvaluateAlertsUseCase
from payorch.application.jobs import EVALUATE_ALERTS, MINUTE_S, Job, JobHandler, Schedule
from payorch.application.operating_figures import OperatingFiguresReader
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.infrastructure.persistence.alert_book import SqlAlchemyAlertBook
from payorch.wiring.base import Base

ALERTS_SCHEDULE = Schedule(EVALUATE_ALERTS, MINUTE_S)


def alert_handlers(
    base: Base,
    book: SqlAlchemyAlertBook,
    metrics: PaymentMetricsService,
    operating_figures: OperatingFiguresReader,
) -> dict[str, JobHandler]:
    evaluate = EvaluateAlertsUseCase(
        book=book, metrics=metrics, operating_figures=operating_figures, clock=base.clock
    )

    def run(_job: Job) -> None:
        evaluate.execute()

    return {EVALUATE_ALERTS.name: run}
