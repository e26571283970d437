"""Check the books against their invariants: after each test, hourly in production, on demand.

It only reads, in short statements over slices of the time looked at, and it repairs nothing: a
broken invariant is a defect or a hand at the database, and somebody has to see it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.jobs import ALERT_STAFF, NewJob
from payorch.application.ledger_rules import RULE_BY_KIND, RULES, LedgerRule, Severity
from payorch.application.ports import Clock

NEGLECTED_AFTER = timedelta(hours=1)
"""Everything that is due is done within minutes when workers run; an hour means none does."""

OPEN_FOR_LONG = timedelta(days=1)

ROLLUP_COMPARED = timedelta(hours=2)
"""A recount reads every transaction of its time into this process, each hour. What is older was
compared while it was young; MetricsRollup.verify compares all of it."""

DEFAULT_SINCE = timedelta(hours=48)
MAX_FINDINGS = 100
"""Per kind: who has more of one kind has one cause to look for, not more to read."""

Fact = str | int | None


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a rule found. `subject` is a public id, or what else names it to staff."""

    subject: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Period:
    """What to look at: everything that changed since `since`; None means all there is."""

    since: datetime | None
    now: datetime

    @property
    def neglected_before(self) -> datetime:
        return self.now - NEGLECTED_AFTER

    @property
    def long_before(self) -> datetime:
        return self.now - OPEN_FOR_LONG


class LedgerChecks(Protocol):
    def violations(self, kind: str, period: Period, *, limit: int) -> Sequence[Violation]:
        """At most `limit` things that break the rule. Raises LedgerUnavailable."""


@dataclass(frozen=True, slots=True)
class Finding:
    rule: LedgerRule
    violation: Violation

    def to_json(self) -> dict[str, object]:
        return {
            "kind": self.rule.kind,
            "severity": self.rule.severity.value,
            "subject": self.violation.subject,
            "says": self.rule.says,
            "advice": self.rule.advice,
            "facts": dict(self.violation.facts),
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """A finished run. `since` None: the whole books were looked at."""

    started_at: datetime
    finished_at: datetime
    since: datetime | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.rule.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.rule.severity is Severity.WARNING)

    def with_findings(self, more: Iterable[Finding]) -> "Verification":
        """This run and what else was found, errors first."""
        every = [*self.findings, *more]
        every.sort(key=lambda finding: finding.rule.severity is not Severity.ERROR)
        return replace(self, findings=tuple(every))


class VerificationStore(Protocol):
    def keep(self, verification: Verification, jobs: Sequence[NewJob]) -> None:
        """Store the run and enqueue the jobs in one transaction. Raises LedgerUnavailable."""


class VerifyLedgerUseCase:
    def __init__(self, checks: LedgerChecks, store: VerificationStore, clock: Clock) -> None:
        self._checks = checks
        self._store = store
        self._clock = clock

    def execute(
        self,
        *,
        since: datetime | None,
        limit: int = MAX_FINDINGS,
        kinds: Collection[str] | None = None,
    ) -> Verification:
        """All findings, errors first. `limit` is per kind, `kinds` None means every rule.

        Raises LedgerUnavailable: then nothing is known, which is not the same as "all is well".
        """
        started_at = self._clock.now()
        period = Period(since, started_at)
        rules = [rule for rule in RULES if kinds is None or rule.kind in kinds]
        findings = tuple(
            Finding(rule, violation)
            for rule in rules
            for violation in self._checks.violations(rule.kind, period, limit=limit)
        )
        return Verification(started_at, self._clock.now(), since, findings)

    def execute_and_tell(self, *, since: datetime | None) -> Verification:
        """Like `execute`, kept for the back office; staff are told of errors once an hour."""
        verification = self.execute(since=since)
        self._store.keep(verification, tuple(_alerts(verification)))
        return verification


def _alerts(verification: Verification) -> Iterator[NewJob]:
    errors = verification.errors
    if not errors:
        return
    kinds = sorted({finding.rule.kind for finding in errors})
    payload = {
        "alert": "verification_failed",
        "errors": len(errors),
        "kinds": ", ".join(kinds),
        "first": f"{errors[0].rule.says} ({errors[0].violation.subject})",
    }
    hour = f"{verification.started_at:%Y-%m-%dT%H}"
    yield NewJob(ALERT_STAFF, payload, dedup_key=f"verification_failed:{hour}")


TIMELESS_KINDS = frozenset(rule.kind for rule in RULES if not rule.passes)
"""Rules that hold at any moment, also in the middle of a payment and in tests."""


def finding(kind: str, subject: str, **facts: Fact) -> Finding:
    """A finding that no statement makes, such as one about a provider's own books."""
    return Finding(RULE_BY_KIND[kind], Violation(subject, facts))
