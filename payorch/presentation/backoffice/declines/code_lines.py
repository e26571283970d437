"""One line per decline code: what it means now, by whom, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from payorch.application.decline_evidence import CodeEvidence
from payorch.domain.attempt_stats import Tally, estimate_rate
from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_ruling import CodeKey, RulingsInForce
from payorch.domain.decline_terms import TRANSPORT_SCHEME, DeclineClass
from payorch.domain.decline_verdict import DeclineSettings
from payorch.presentation.backoffice.dashboard.metric_texts import rate_basis_text, rate_text
from payorch.presentation.backoffice.declines.decline_words import (
    CLASSES,
    again_later,
    next_provider,
)
from payorch.presentation.backoffice.payments.payment_texts import worded

EVIDENCE_DAYS = 30
EVIDENCE_LENGTH = timedelta(days=EVIDENCE_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`share` is of all declines of the window; `saved` is the approval after a fallback."""

    declined: str
    share: str
    providers: str
    last_seen: datetime
    saved: str
    saved_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    key: CodeKey
    meaning: str
    who_acts: str
    next_provider: str
    again_later: str
    is_classified: bool
    is_ruled: bool
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class CodesPage:
    """`to_classify` came and have no row; `seen` came; `unseen` stand in the table only."""

    to_classify: Sequence[CodeLine]
    seen: Sequence[CodeLine]
    unseen: Sequence[CodeLine]
    declined: int


class CodeLines:
    def __init__(
        self,
        policy: DeclinePolicy,
        rulings: RulingsInForce,
        settings: DeclineSettings,
        *,
        on: date,
        names: dict[str, str],
        min_sample: int,
    ) -> None:
        self._policy = policy
        self._settings = settings
        self._ruled = {CodeKey.of_row(row): row for row in rulings.rows}
        self._on = on
        self._names = names
        self._min_sample = min_sample

    def page(self, evidence: Sequence[CodeEvidence]) -> CodesPage:
        declined = sum(it.declined for it in evidence if it.key.signal.value == "response")
        came = [self.line(it.key, it, declined) for it in evidence]
        known = {line.key for line in came}
        rest = sorted({CodeKey.of_row(row) for row in self._policy.rows} - known)
        return CodesPage(
            to_classify=[line for line in came if not line.is_classified],
            seen=[line for line in came if line.is_classified],
            unseen=[self.line(key) for key in rest if key.scheme != TRANSPORT_SCHEME],
            declined=declined,
        )

    def row(self, key: CodeKey) -> DeclineRow | None:
        return self._policy.row_of(key.scheme, key.code, on=self._on, signal=key.signal)

    def line(self, key: CodeKey, evidence: CodeEvidence | None = None, of: int = 0) -> CodeLine:
        row = self.row(key)
        decline_class = DeclineClass.UNCLASSIFIED if row is None else row.decline_class
        return CodeLine(
            key=key,
            meaning="unclassified" if row is None else worded(row.reason),
            who_acts=CLASSES[decline_class],
            next_provider=next_provider(row, self._settings),
            again_later=again_later(row),
            is_classified=row is not None,
            is_ruled=row is not None and self._ruled.get(CodeKey.of_row(row)) is not None,
            evidence=None if evidence is None else self._evidence(evidence, of),
        )

    def _evidence(self, evidence: CodeEvidence, of: int) -> Evidence:
        saved, basis = _rate(evidence.after_fallback, self._min_sample)
        return Evidence(
            declined=f"{evidence.declined:,}",
            share=f"{evidence.declined / of:.1%}" if of else "",
            providers=", ".join(self._names.get(code, code) for code in evidence.providers),
            last_seen=evidence.last_seen,
            saved=saved,
            saved_basis=basis,
        )


def _rate(tally: Tally, min_sample: int) -> tuple[str, str]:
    if not tally.finished:
        return "Never tried", "no other provider was asked after it"
    rate = estimate_rate(tally, min_n=min_sample)
    return rate_text(rate), rate_basis_text(rate)
