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

_IN_REVIEW = text(
    "SELECT public_id FROM refunds WHERE status = 'unknown' AND review_since IS NOT NULL"
)


def main(ids_at_providers: dict[str, str]) -> None:
    """Conclude all refunds in review; the argument names those that the providers' books have."""
    with wired_application(read_settings()) as wired:
        with wired.database.read() as connection:
            refunds = connection.execute(_IN_REVIEW).scalars().all()
        for refund_id in refunds:
            _conclude(wired.services.review_refund, refund_id, ids_at_providers.get(refund_id))


def _conclude(reviews: ReviewRefundUseCase, refund_id: str, provider_reference: str | None) -> None:
    conclusion = (
        RefundConclusion.NOT_GIVEN_BACK
        if provider_reference is None
        else RefundConclusion.GIVEN_BACK
    )
    proposal = reviews.propose(
        RefundId(refund_id),
        conclusion,
        provider_reference=provider_reference,
        evidence="The provider's own list of refunds.",
        actor="fiona",
    )
    reviews.decide(proposal.id, is_approved=True, actor="fred", reason="I looked it up, too.")


if __name__ == "__main__":
    honest_payorch.connect()
    main(json.loads(sys.argv[1]))
