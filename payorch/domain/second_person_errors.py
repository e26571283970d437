"""Why a large refund does not go back now. Nothing was done when one of these is raised."""

from payorch.domain.errors import PayorchError


class RefundNeedsSecondPerson(PayorchError):
    """Above what one person alone may give back: another one has to agree. Nothing was done.

    `counted_minor` is what staff have asked for of the same order within a day before.
    """

    code = "refund_needs_second_person"

    def __init__(self, message: str, *, limit_minor: int, counted_minor: int) -> None:
        super().__init__(message)
        self.limit_minor = limit_minor
        self.counted_minor = counted_minor


class RefundProposalNotPossible(PayorchError):
    """A large refund cannot be proposed, decided or withdrawn now; the message says why."""

    code = "refund_proposal_not_possible"
