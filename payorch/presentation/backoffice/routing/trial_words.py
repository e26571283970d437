"""What a trial shows, in words: its verdict, its evidence, its orders by arm."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log

from payorch.application.policy_trials import ArmSample, StoredTrial
from payorch.application.trial_report import Duration, TrialReport
from payorch.domain.attempt_stats import Interval, Tally, wilson_interval
from payorch.domain.policy_trial import PolicyTrial, TrialArm
from payorch.domain.trial_evidence import MIN_SETTLED, Verdict
from payorch.presentation.backoffice.dashboard.metric_texts import (
    NBSP,
    interval_text,
    n_text,
    points_text,
    share_text,
)

_MOST_ODDS = log(1_000_000)
_FEWEST_DAYS = 1

TONES = {Verdict.NONE: "neutral", Verdict.CANDIDATE: "success", Verdict.CONTROL: "danger"}
LABELS = {
    Verdict.NONE: "No verdict",
    Verdict.CANDIDATE: "Candidate better",
    Verdict.CONTROL: "Control better",
}


@dataclass(frozen=True, slots=True)
class ArmLine:
    name: str
    share: str
    orders: str
    open_orders: str
    paid: str
    conversion: str
    basis: str
    approval: str
    approval_basis: str
    attempts: str
    presses: str


@dataclass(frozen=True, slots=True)
class ReportText:
    """`tone` is that of the verdict's badge. `durations` are (difference, orders, how long)."""

    verdict: str
    tone: str
    sentence: str
    evidence: str
    difference: str
    interval: str
    arms: tuple[ArmLine, ...]
    durations: tuple[tuple[str, str, str], ...]
    pace: str
    is_uneven: bool


def report_text(report: TrialReport) -> ReportText:
    verdict = Verdict.NONE if report.is_uneven else report.finding.verdict
    difference = report.counts.difference
    return ReportText(
        verdict=_label(report, verdict),
        tone="warning" if report.is_uneven else TONES[verdict],
        sentence=_sentence(report, verdict),
        evidence=_evidence(report),
        difference="No order has settled in one of the arms yet"
        if difference is None
        else f"{points_text(difference)} points",
        interval=f"Needs {MIN_SETTLED} settled orders in each arm"
        if report.interval is None
        else f"{span_text(report.interval)} points",
        arms=tuple(_arms(report)),
        durations=tuple(_duration(line) for line in report.durations),
        pace=_pace(report),
        is_uneven=report.is_uneven,
    )


def outcome_text(stored: StoredTrial) -> str:
    """How a trial ended, for the list of trials."""
    if stored.is_running:
        return "running"
    if stored.adopted_version is not None:
        return f"candidate adopted as version {stored.adopted_version}"
    return "control kept"


def odds_text(log_evidence: float) -> str:
    """Such as "3.2 to 1"; below evens the other way round: "1 to 2.5"."""
    if log_evidence > _MOST_ODDS:
        return "more than 1,000,000 to 1"
    if log_evidence < -_MOST_ODDS:
        return "less than 1 to 1,000,000"
    odds = exp(abs(log_evidence))
    number = f"{odds:,.0f}" if odds >= 10 else f"{odds:.1f}"
    return f"1 to {number}" if log_evidence < 0 else f"{number} to 1"


def span_text(interval: Interval) -> str:
    return f"{points_text(interval.low)} to {points_text(interval.high)}"


def _label(report: TrialReport, verdict: Verdict) -> str:
    if report.is_uneven:
        return "No verdict: the arms are uneven"
    is_open = verdict is Verdict.NONE and report.stored.is_running
    return f"{LABELS[verdict]} yet" if is_open else LABELS[verdict]


def _sentence(report: TrialReport, verdict: Verdict) -> str:
    if report.is_uneven:
        return (
            "One of the arms got fewer orders than the draw gives it, by more than chance allows. "
            "Probably one of the two policies leaves some orders without any provider: they are "
            "never submitted, so they are missing here. Compare what each policy leaves out "
            "before you believe any figure."
        )
    since = report.finding.clear_since
    if verdict is Verdict.NONE or since is None:
        if not report.stored.is_running:
            return "The orders of the trial do not tell the two policies apart."
        return "The orders so far do not tell the two policies apart. Look as often as you like."
    better, other = (
        ("candidate", "control")
        if verdict is Verdict.CANDIDATE
        else (
            "control",
            "candidate",
        )
    )
    return (
        f"More orders are paid by the {better} than by the {other}: clear since "
        f"{since:%Y-%m-%d %H:%M} UTC."
    )


def _evidence(report: TrialReport) -> str:
    now = report.looks[-1].counts.log_evidence(report.stored.trial.share)
    found = report.finding
    text = f"{odds_text(now)} for a difference"
    if found.peak is not report.looks[-1]:
        text += f", at its highest {odds_text(found.log_peak)} on {found.peak.at:%Y-%m-%d}"
    return f"{text}. Always-valid p{NBSP}={NBSP}{_p_text(found.p_value)}."


def _p_text(value: float) -> str:
    least = 0.001
    return f"less than {least}" if value < least else f"{value:.3f}"


def _arms(report: TrialReport) -> Iterator[ArmLine]:
    trial = report.stored.trial
    for arm, name in (
        (TrialArm.CONTROL, f"Control: version {trial.control_version}"),
        (TrialArm.CANDIDATE, "Candidate"),
    ):
        counts = report.counts.of(arm)
        sample = report.sample[arm]
        rate, basis = _rate(counts.settled)
        approval, approval_basis = _rate(sample.first_attempts)
        yield ArmLine(
            name=name,
            share=_share(trial, arm),
            orders=f"{counts.entered:,}",
            open_orders=f"{counts.still_open:,}"
            + (f", of them {counts.failed:,} failed so far" if counts.failed else ""),
            paid=f"{counts.paid:,} of {counts.settled.finished:,}",
            conversion=rate,
            basis=basis,
            approval=approval,
            approval_basis=approval_basis,
            attempts=_per(sample.attempts, sample),
            presses=_per(sample.presses, sample),
        )


def _share(trial: PolicyTrial, arm: TrialArm) -> str:
    percent = trial.share_percent if arm is TrialArm.CANDIDATE else 100 - trial.share_percent
    return f"{percent}{NBSP}%"


def _rate(tally: Tally) -> tuple[str, str]:
    if not tally.finished:
        return "-", n_text(0)
    interval = wilson_interval(tally)
    return share_text(tally.rate), (
        f"95{NBSP}%: {interval_text(interval)}, {n_text(tally.finished)}"
    )


def _per(number: int, sample: ArmSample) -> str:
    return f"{number / sample.orders:.2f}" if sample.orders else "-"


def _duration(line: Duration) -> tuple[str, str, str]:
    length = "-"
    if line.days is not None:
        days = f"{line.days:,.0f}"
        length = f"about {days} days" if line.days > _FEWEST_DAYS else "a day or less"
    return f"{line.difference * 100:.0f}", f"{_rounded(line.orders):,}", length


def _rounded(orders: int) -> int:
    """To two digits: it is a guess."""
    return int(float(f"{orders:.2g}"))


def _pace(report: TrialReport) -> str:
    if report.orders_per_day is None:
        return "How many orders come a day is known after the first hour."
    return f"By about {report.orders_per_day:,.0f} orders a day since it began."
