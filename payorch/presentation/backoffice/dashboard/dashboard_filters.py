"""The dashboard's filter bar: read from the URL, so that a view can be shared and bookmarked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from payorch.application.metrics_window import InvalidWindow, MetricsWindow, floor_to_minute
from payorch.application.provider_figures import MetricsQuery
from payorch.domain.payment_method import MethodKind
from payorch.domain.segment import Segment, SegmentDimension
from payorch.presentation.backoffice.segment_texts import segment_choices

PRESETS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
PRESET_NAMES = {
    "1h": "Last hour",
    "6h": "Last 6 hours",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
}
DEFAULT_PRESET = "1h"
CUSTOM = "custom"
NO_COMPARISON = "none"
MAX_CODE_LENGTH = 40
NO_PROVIDER = "-"
"""Stands for "none of them": an empty set of providers means all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardFilters:
    """What the URL asks for, with what was wrong about it. `preset` is "custom" for from/to.

    `providers` are those that were chosen; the query has those of them that take the `method`.
    """

    query: MetricsQuery
    preset: str
    providers: frozenset[str] = frozenset()
    method: MethodKind | None = None
    problem: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the window moves with the time, so that a refresh shows something new."""
        return self.preset != CUSTOM

    @property
    def query_string(self) -> str:
        """These filters as a URL's query; the same filters always give the same text."""
        pairs = [("window", self.preset)]
        if self.preset == CUSTOM:
            pairs += [("from", url_time(self.query.window.start))]
            pairs += [("to", url_time(self.query.window.end))]
        pairs += [("provider", code) for code in sorted(self.providers)]
        if self.method is not None:
            pairs.append(("method", self.method.value))
        if self.query.currency:
            pairs.append(("currency", self.query.currency))
        if self.query.segment is not None:
            pairs.append(("segment", segment_code(self.query.segment)))
        if not self.query.compare:
            pairs.append(("compare", NO_COMPARISON))
        return urlencode(pairs)


def segment_code(segment: Segment) -> str:
    """As the URL names it: "country:DE"."""
    return f"{segment.dimension.value}:{segment.value}"


def url_time(moment: datetime) -> str:
    """A UTC time as a datetime-local input writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M")


def read_filters(
    args: MultiDict[str, str], *, now: datetime, kinds: Mapping[str, MethodKind]
) -> DashboardFilters:
    """Never refuses: what cannot be read is replaced by the default, and `problem` says so.

    `kinds` has how customers pay at each provider.
    """
    preset = args.get("window") or (CUSTOM if args.get("from") else DEFAULT_PRESET)
    problem = None
    if preset == CUSTOM:
        try:
            window = _custom_window(args.get("from", ""), args.get("to", ""), now=now)
        except InvalidWindow as error:
            problem = f"{error.message} The {PRESET_NAMES[DEFAULT_PRESET].lower()} is shown."
            preset = DEFAULT_PRESET
    elif preset not in PRESETS:
        preset = DEFAULT_PRESET
    if preset != CUSTOM:
        window = MetricsWindow.until(now, PRESETS[preset])
    chosen = frozenset(
        code for code in args.getlist("provider") if 0 < len(code) <= MAX_CODE_LENGTH
    )
    method = _method(args.get("method", ""))
    segment = _segment(args.get("segment", ""))
    if segment is not None:
        window = window.in_whole_hours()
    return DashboardFilters(
        providers=chosen,
        method=method,
        query=MetricsQuery(
            window=window,
            providers=_taking(method, chosen, kinds),
            currency=_currency(args.get("currency", "")),
            compare=args.get("compare") != NO_COMPARISON,
            segment=segment,
        ),
        preset=preset,
        problem=problem,
    )


def _taking(
    method: MethodKind | None, chosen: frozenset[str], kinds: Mapping[str, MethodKind]
) -> frozenset[str]:
    if method is None:
        return chosen
    taking = {code for code, kind in kinds.items() if kind is method}
    return frozenset(taking & chosen if chosen else taking) or frozenset({NO_PROVIDER})


def _method(text: str) -> MethodKind | None:
    return MethodKind(text) if text in set(MethodKind) else None


def _segment(text: str) -> Segment | None:
    name, _, value = text.partition(":")
    if name not in set(SegmentDimension):
        return None
    dimension = SegmentDimension(name)
    is_known = value in {known for known, _ in segment_choices(dimension)}
    return Segment(dimension, value) if is_known else None


def _custom_window(start_text: str, end_text: str, *, now: datetime) -> MetricsWindow:
    start = _moment(start_text)
    end = _moment(end_text) if end_text else floor_to_minute(now)
    return MetricsWindow(floor_to_minute(start), floor_to_minute(end))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidWindow("Write times such as 2026-03-01T12:30 (UTC).") from None


def _currency(text: str) -> str | None:
    return text if len(text) == 3 and text.isascii() and text.isupper() else None
