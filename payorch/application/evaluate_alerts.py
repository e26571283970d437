"""Looks at the numbers as the rules say, once a minute: opens alerts and closes them.

All numbers are PaymentMetricsService's, so an alert says what the dashboard shows. It may run
twice or in two processes: an alert is open once, and the staff are told once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from payorch.application.alerts import (
    ALL_PROVIDERS,
    QUIET_BEFORE_CLOSE,
    AlertBook,
    Finding,
    MetricAlert,
)
from payorch.application.metrics_window import MINUTE, MetricsWindow, floor_to_minute
from payorch.application.operating_figures import OperatingFiguresReader
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.ports import Clock
from payorch.application.provider_figures import ProviderFigures
from payorch.domain.alert_rule import PRESETS, AlertRule, Measure
from payorch.domain.attempt_stats import (
    RateEstimate,
    Tally,
    difference_interval,
    wilson_interval,
)
from payorch.domain.change_point import RateBucket, change_point

BASELINE = timedelta(hours=24)
HINT_LENGTH, HINT_BUCKET = timedelta(hours=6), timedelta(minutes=5)

ByProvider = Mapping[str, ProviderFigures]


class EvaluateAlertsUseCase:
    def __init__(
        self,
        *,
        book: AlertBook,
        metrics: PaymentMetricsService,
        operating_figures: OperatingFiguresReader,
        clock: Clock,
    ) -> None:
        self._book = book
        self._metrics = metrics
        self._operating_figures = operating_figures
        self._clock = clock

    def execute(self) -> None:
        now = self._clock.now()
        look = _Look(self._metrics, self._operating_figures, now)
        self._book.ensure_rules(PRESETS, at=now)
        is_open = {(it.rule_id, it.provider_code): it for it in self._book.open_alerts()}
        for stored in self._book.rules():
            found = look.findings(stored.rule) if stored.rule.is_enabled else ()
            for finding in found:
                alert = is_open.pop((stored.id, finding.provider_code), None)
                if alert is not None:
                    self._book.found_again(alert.id, finding, at=now)
                else:
                    self._book.open(stored, look.with_hint(stored.rule, finding), at=now)
        for quiet in is_open.values():
            self._close_if_over(quiet, now)

    def _close_if_over(self, alert: MetricAlert, now: datetime) -> None:
        if now - alert.last_found_at >= QUIET_BEFORE_CLOSE:
            self._book.close(alert.id, at=now)


class _Look:
    """One look at the numbers as of `now`; rules that ask for the same window share its figures."""

    def __init__(
        self,
        metrics: PaymentMetricsService,
        operating_figures: OperatingFiguresReader,
        now: datetime,
    ) -> None:
        self._metrics = metrics
        self._operating_figures = operating_figures
        self._now = now
        self._known: dict[MetricsWindow, ByProvider] = {}
        self._looks: Mapping[Measure, Callable[[AlertRule], Iterator[Finding]]] = {
            Measure.APPROVAL_DROP: self._approval_drops,
            Measure.TECHNICAL_FAILURES: self._technical_failures,
            Measure.SLOWDOWN: self._slowdowns,
            Measure.CONVERSION_DROP: self._conversion_drops,
            Measure.UNKNOWN_AGE: self._old_unknowns,
            Measure.EVENTS_WAITING: self._waiting_events,
        }

    def findings(self, rule: AlertRule) -> Sequence[Finding]:
        return tuple(self._looks[rule.measure](rule))

    def with_hint(self, rule: AlertRule, finding: Finding) -> Finding:
        """Since when, if the provider's line of the last hours has one clear change."""
        if rule.measure is not Measure.APPROVAL_DROP:
            return finding
        window = MetricsWindow.until(self._now, HINT_LENGTH, HINT_BUCKET)
        line = self._figures(window).get(finding.provider_code)
        change = None if line is None else change_point(_line(line))
        if change is None or change.after.rate >= change.before.rate:
            return finding
        return replace(finding, since=change.at)

    def _approval_drops(self, rule: AlertRule) -> Iterator[Finding]:
        before, after = self._before_and_after(rule)
        for code, figures in after.items():
            current = _first_attempts(figures)
            usual = _first_attempts(before[code]) if code in before else Tally()
            if min(current.finished, usual.finished) < rule.min_sample:
                continue
            if difference_interval(current, usual).high < -rule.threshold / 100:
                yield Finding(
                    provider_code=code,
                    facts={
                        "First-attempt approval": _rate_text(current),
                        "In the 24 hours before": _rate_text(usual),
                    },
                )

    def _technical_failures(self, rule: AlertRule) -> Iterator[Finding]:
        for code, figures in self._figures(_window(rule, self._now)).items():
            failed = Tally(
                approved=figures.counts.technical_failures, finished=figures.counts.attempts
            )
            if failed.finished < rule.min_sample:
                continue
            if wilson_interval(failed).low > rule.threshold / 100:
                yield Finding(provider_code=code, facts={"Technical failures": _rate_text(failed)})

    def _slowdowns(self, rule: AlertRule) -> Iterator[Finding]:
        before, after = self._before_and_after(rule)
        for code, figures in after.items():
            usual = before[code].latency if code in before else None
            current = figures.latency
            if usual is None or min(current.n, usual.n) < rule.min_sample:
                continue
            if current.p95_ms is None or not usual.p95_ms:
                continue
            if current.p95_ms > rule.threshold * usual.p95_ms:
                yield Finding(
                    provider_code=code,
                    facts={
                        "p95 of its answers": f"{current.p95_ms:,.0f} ms (n = {current.n:,})",
                        "In the 24 hours before": f"{usual.p95_ms:,.0f} ms (n = {usual.n:,})",
                    },
                )

    def _conversion_drops(self, rule: AlertRule) -> Iterator[Finding]:
        window = _window(rule, self._now)
        _, conversion = self._metrics.before_and_after(_baseline(window), window)
        current, usual = conversion.now, conversion.before
        if not (isinstance(current, RateEstimate) and isinstance(usual, RateEstimate)):
            return
        if min(current.n, usual.n) < rule.min_sample or conversion.change is None:
            return
        if conversion.change.high < -rule.threshold / 100:
            yield Finding(
                provider_code=ALL_PROVIDERS,
                facts={
                    "Order conversion": f"{current.rate:.1%} (n = {current.n:,})",
                    "In the 24 hours before": f"{usual.rate:.1%} (n = {usual.n:,})",
                },
            )

    def _old_unknowns(self, rule: AlertRule) -> Iterator[Finding]:
        oldest_min = self._operating_figures.read().open_transactions.oldest_unknown_s / 60
        if oldest_min > rule.threshold:
            yield Finding(
                provider_code=ALL_PROVIDERS,
                facts={"Oldest payment with an unknown outcome": f"{oldest_min:,.0f} min"},
            )

    def _waiting_events(self, rule: AlertRule) -> Iterator[Finding]:
        for queue in self._operating_figures.read().queues:
            if queue.queue != "webhooks":
                continue
            if queue.due >= rule.threshold and queue.oldest_age_s > rule.window_min * 60:
                yield Finding(
                    provider_code=ALL_PROVIDERS,
                    facts={
                        "Provider events that wait": f"{queue.due:,}",
                        "The oldest since": f"{queue.oldest_age_s / 60:,.0f} min",
                    },
                )

    def _before_and_after(self, rule: AlertRule) -> tuple[ByProvider, ByProvider]:
        window = _window(rule, self._now)
        return self._figures(_baseline(window)), self._figures(window)

    def _figures(self, window: MetricsWindow) -> ByProvider:
        if window not in self._known:
            figures = self._metrics.providers(window)
            self._known[window] = {it.provider_code: it for it in figures}
        return self._known[window]


def _window(rule: AlertRule, now: datetime) -> MetricsWindow:
    """Whole minutes that are over: the running one holds attempts that are still open."""
    end = floor_to_minute(now)
    return MetricsWindow(end - rule.window_min * MINUTE, end)


def _baseline(window: MetricsWindow) -> MetricsWindow:
    return MetricsWindow(window.start - BASELINE, window.start)


def _line(figures: ProviderFigures) -> list[RateBucket]:
    return [
        RateBucket(
            at=point.at,
            tally=Tally(approved=point.first_approval.approved, finished=point.first_approval.n),
        )
        for point in figures.points
    ]


def _first_attempts(figures: ProviderFigures) -> Tally:
    total = Tally()
    for bucket in _line(figures):
        total = total.merged(bucket.tally)
    return total


def _rate_text(tally: Tally) -> str:
    interval = wilson_interval(tally)
    return (
        f"{tally.rate:.1%} (95 %: {interval.low * 100:.1f} to {interval.high:.1%}, "
        f"n = {tally.finished:,})"
    )
