"""Two people of finance who conclude what no provider's answer can: whether money went back.

A request that was lost on its way leaves no trace at a provider that knows no idempotency keys.
"Not found" is no proof there, so payorch asks people (domain.md, section 4); they look into the
provider's own books.
"""

import json
import sys

from sqlalchemy import text

from payorch.application.review_refund import RefundConclusion, ReviewRefundUseCase
from payorch.cli.environment import read_settings
from payorch.cli.wired_application import wired_application
from payorch.domain.refund import RefundId
from tests.chaos import honest_payorch
from tests.people import hire

FIONA = "fiona@example.com"

_IN_REVIEW = text(
    "SELECT public_id FROM refunds WHERE status = 'unknown' AND review_since IS NOT NULL"
)


def main(at_providers: list[str]) -> None:
    """Conclude of each refund in review that the money did not go back.

    Not of those in the providers' books, which the argument names: payorch has to find these by
    itself, and a storm that leaves one open has found a mistake.
    """
    with wired_application(read_settings()) as wired:
        hire(wired.database, FIONA)
        with wired.database.read() as connection:
            refunds = connection.execute(_IN_REVIEW).scalars().all()
        for refund_id in set(refunds).difference(at_providers):
            _conclude(wired.services.review_refund, RefundId(refund_id))


def _conclude(reviews: ReviewRefundUseCase, refund_id: RefundId) -> None:
    proposal = reviews.propose(
        refund_id,
        RefundConclusion.NOT_GIVEN_BACK,
        provider_reference=None,
        evidence="The provider's own list of refunds.",
        actor=FIONA,
    )
    reviews.decide(proposal.id, is_approved=True, actor="fred", reason="I looked it up, too.")


if __name__ == "__main__":
    honest_payorch.connect()
    main(json.loads(sys.argv[1]))
