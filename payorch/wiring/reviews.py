"""What finance concludes when no provider can prove what happened."""

from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.review import ReviewTransactionUseCase
from payorch.infrastructure.persistence.review_book import SqlAlchemyReviewBook
from payorch.wiring.base import Base


def transaction_reviews(base: Base, recorder: OutcomeRecorder) -> ReviewTransactionUseCase:
    return ReviewTransactionUseCase(
        book=SqlAlchemyReviewBook(base.transactions),
        open_attempts=base.open_attempts,
        judge=base.judge,
        recorder=recorder,
        clock=base.clock,
    )
