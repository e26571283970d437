"""What was asked about a payment and what was answered, in plain words."""

from collections.abc import Mapping

from payorch.application.compare_providers import SOURCE as COMPARISON
from payorch.application.proofs_of_time import ABSENT, NOT_COMPLETED
from payorch.application.resolution_ladder import Step
from payorch.application.review import SOURCE as REVIEW
from payorch.presentation.backoffice.payments.payment_texts import reason_text, worded

ASKED: Mapping[str, str] = {
    Step.READ: "Read by the provider's own id",
    Step.CANCEL: "Told the provider to cancel it",
    Step.REPLAY: "Sent the same request again",
    Step.CANCEL_BY_REFERENCE: "Told the provider to cancel our reference",
    Step.FIND: "Searched at the provider by our reference",
    Step.NONE: "The provider offers no way to ask",
    REVIEW: "Concluded by two people of the staff",
    COMPARISON: "Compared with the provider's own books",
    "answer": "The provider's answer to the payment itself",
}

ANSWERED: Mapping[str, str] = {
    "Approved": "approved",
    "Declined": "declined",
    "NotSent": "not charged",
    "Unknown": "no clear answer",
    "Pending": "it settles later",
    "RequiresAction": "the customer has to act",
    ABSENT: "nothing there",
    NOT_COMPLETED: "not completed in time",
}

SAYS_NOTHING_FINAL = frozenset({"Unknown", "Pending", "RequiresAction", ABSENT, NOT_COMPLETED})
"""Answers that could not be applied, because they settle nothing."""


def asked_text(source: str) -> str:
    return ASKED.get(source) or worded(source).capitalize()


def answered_text(outcome: str, because: object = None) -> str:
    text = ANSWERED.get(outcome) or worded(outcome)
    reason = reason_text(str(because)) if because else ""
    return f"{text} ({reason})" if reason else text


def evidence_text(source: str, outcome: str, detail: Mapping[str, object]) -> str:
    return f"{asked_text(source)}: {answered_text(outcome, detail.get('reason'))}"
