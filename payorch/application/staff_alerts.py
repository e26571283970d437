"""Alerts: telling the staff, once, about something that a person has to look at.

An alert is a job like any other: whoever finds the reason enqueues `alert_job(...)` in its own
transaction, or calls the `Alert` that wiring made, which never fails.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from payorch.application.deliver_notice import DeliverNotice
from payorch.application.jobs import ALERT_STAFF, GiveUp, Job, NewJob, RetryLater
from payorch.application.notices import ALERT_KIND, Letters, NewNotice, NoticeBook
from payorch.application.ports import Clock

Alert = Callable[[str, Mapping[str, str]], None]
"""Name of the alert and its facts. Logs it and enqueues its job; never raises."""

AlertWebhook = Callable[[str, str, Mapping[str, str]], None]
"""Id of the alert, its name and its facts. Raises AlertNotTaken."""

MAX_DEDUP_KEY_LENGTH = 200
"""What the columns hold."""

_SUBJECTS = (
    *(
        "metric_alert",
        "refund_proposal",
        "refund",
        "transaction",
        "event",
        "payment_reference",
        "order",
    ),
    "settlement_import",
)
"""Facts that name what an alert is about, the most particular first: told about it once."""

_HOURLY = frozenset({"bad_credentials", "provider_not_disabled", "decline_needs_attention"})
"""What ails a provider shows in each of its payments: told once an hour, not once a payment."""


class AlertNotTaken(Exception):
    """The webhook did not say that it took the alert; send it again, under the same id."""


def alert_job(name: str, facts: Mapping[str, str], *, at: datetime) -> NewJob:
    """The job that tells the staff; the same alert about the same subject is one job."""
    payload = {**facts, "alert": name, "occasion": occasion_of(name, facts, at=at)}
    return NewJob(ALERT_STAFF, payload, dedup_key=_key(name, payload["occasion"]))


def occasion_of(name: str, facts: Mapping[str, str], *, at: datetime) -> str:
    """What the alert is about, as a text: two alerts with equal ones are one."""
    if name not in _HOURLY:
        for subject in _SUBJECTS:
            if value := facts.get(subject):
                return f"{subject}={value}"
    about = ",".join(facts[part] for part in ("provider", "reason") if facts.get(part))
    return f"{about}@{at:%Y-%m-%dT%H}"


class AlertStaffUseCase:
    """Handler of ALERT_STAFF. The payload is {"alert": name, **facts}.

    One notice to each address; without addresses one to nobody, which the back office shows.
    The webhook gets it at least once.
    """

    def __init__(
        self,
        *,
        recipients: Sequence[str],
        letters: Letters,
        book: NoticeBook,
        delivery: DeliverNotice,
        clock: Clock,
        webhook: AlertWebhook | None = None,
    ) -> None:
        self._webhook = webhook
        self._recipients = tuple(recipients) or ("",)
        self._letters = letters
        self._book = book
        self._delivery = delivery
        self._clock = clock

    def execute(self, job: Job) -> None:
        """Raises RetryLater when one could not be sent now; the others were tried."""
        facts = {key: str(value) for key, value in job.payload.items() if value is not None}
        name, occasion = facts.pop("alert", ""), facts.pop("occasion", None)
        if not name:
            raise GiveUp("The job names no alert.")
        occasion = occasion or _occasion_of_job(name, facts, job)
        postponed = self._mailed(name, facts, occasion)
        if self._webhook is not None:
            try:
                self._webhook(_key(name, occasion), name, facts)
            except AlertNotTaken as problem:
                postponed = RetryLater(f"The alert webhook {problem}.")
        if postponed is not None:
            raise postponed

    def _mailed(self, name: str, facts: dict[str, str], occasion: str) -> RetryLater | None:
        """The reason to come back for those letters that could not be sent now."""
        now = self._clock.now()
        letter = self._letters.alert(name, facts)
        notices = [
            self._book.write(
                NewNotice(
                    dedup_key=_key(name, occasion, recipient),
                    kind=ALERT_KIND,
                    recipient=recipient,
                    letter=letter,
                ),
                at=now,
            )
            for recipient in self._recipients
        ]
        postponed: RetryLater | None = None
        for notice in notices:
            try:
                self._delivery.deliver(notice)
            except RetryLater as problem:
                postponed = problem
        return postponed


def _occasion_of_job(name: str, facts: Mapping[str, str], job: Job) -> str:
    """Of a job that was enqueued without one: its subject, else the job itself."""
    for subject in _SUBJECTS:
        if name not in _HOURLY and facts.get(subject):
            return f"{subject}={facts[subject]}"
    return f"job={job.id}"


def _key(name: str, *parts: str) -> str:
    key = ":".join((ALERT_KIND, name, *parts))
    if len(key) <= MAX_DEDUP_KEY_LENGTH:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: MAX_DEDUP_KEY_LENGTH - len(digest) - 1]}:{digest}"
