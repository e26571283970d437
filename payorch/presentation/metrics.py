"""/metrics: the operating figures in Prometheus' text format.

They are counted in the database when asked, so every process of an installation answers alike;
only the events that came in are each process's own.
They tell how a shop does: without a token only this machine may ask (security.md, S44).
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from payorch.domain.circuit import CircuitState
from payorch.domain.shared_circuit import HoldKind
from payorch.presentation.problem_details import problem
from payorch.presentation.services import services, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flask import Flask
    from prometheus_client.core import Metric

    from payorch.application.circuit_board import CircuitView
    from payorch.application.job_queue import QueueFigures
    from payorch.application.operating_figures import OperatingFigures

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""Headers of a proxy: its own address may be this machine's, the visitor's is not."""

blueprint = Blueprint("metrics", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
def metrics() -> Response:
    refusal = _refusal()
    if refusal is not None:
        return refusal
    registry = CollectorRegistry()
    registry.register(OperatingCollector(services().operating_figures.read()))
    registry.register(CircuitCollector(_circuits()))
    registry.register(EventCollector(services().receive_event.tally.snapshot()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _circuits() -> dict[str, CircuitView]:
    methods = services().registry.configuration().methods
    return {method.code: services().circuits.view(method.code) for method in methods}


def _refusal() -> Response | None:
    token = settings().metrics_token
    if token is None:
        if _comes_from_this_machine():
            return None
        return problem(403, "forbidden", "Set PAYORCH_METRICS_TOKEN to read this from elsewhere.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode()):
        return None
    return problem(
        401,
        "unauthorized",
        "Send the metrics token as 'Authorization: Bearer ...'.",
        headers={"WWW-Authenticate": 'Bearer realm="payorch metrics"'},
    )


def _comes_from_this_machine() -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class EventCollector(Collector):
    """Refused events are not stored, or their sender could fill the database: counted in memory."""

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "payorch_webhook_events",
            "Provider events that came to this process, by what became of them.",
            labels=["provider", "result"],
        )
        for (provider, result), number in sorted(self._counts.items()):
            family.add_metric([provider, result], number)
        yield family


class CircuitCollector(Collector):
    """One sample per state, as Prometheus' own state sets are: 1 for the one in force."""

    def __init__(self, circuits: Mapping[str, CircuitView]) -> None:
        self._circuits = circuits

    def collect(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "payorch_provider_circuit_state",
            "Which state the provider's circuit breaker is in.",
            labels=["provider", "state"],
        )
        held = GaugeMetricFamily(
            "payorch_provider_circuit_held",
            "Whether staff hold the circuit so; then the breaker does not decide.",
            labels=["provider", "state"],
        )
        own = GaugeMetricFamily(
            "payorch_provider_circuit_only_here",
            "Whether the circuit is open in the asked process only.",
            labels=["provider"],
        )
        openings = CounterMetricFamily(
            "payorch_provider_circuit_openings",
            "How often the circuit opened, over all processes.",
            labels=["provider"],
        )
        for provider, circuit in self._circuits.items():
            for member in CircuitState:
                state.add_metric([provider, member.value], circuit.state is member)
            for kind in HoldKind:
                is_held = circuit.hold is not None and circuit.hold.kind is kind
                held.add_metric([provider, kind.value], is_held)
            own.add_metric([provider], circuit.is_own)
            openings.add_metric([provider], circuit.openings)
        yield from (state, held, own, openings)


class OperatingCollector(Collector):
    def __init__(self, figures: OperatingFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._of_queues()
        transactions = self._figures.open_transactions
        by_status = GaugeMetricFamily(
            "payorch_open_transactions",
            "Attempts whose outcome is not final, by status.",
            labels=["status"],
        )
        for status, number in transactions.by_status.items():
            by_status.add_metric([status], number)
        yield by_status
        yield GaugeMetricFamily(
            "payorch_oldest_unknown_seconds",
            "Age of the oldest attempt of which nobody knows whether it charged.",
            value=transactions.oldest_unknown_s,
        )
        yield GaugeMetricFamily(
            "payorch_review_backlog",
            "Attempts that wait for a conclusion by finance.",
            value=transactions.in_review,
        )
        counters = self._figures.counters
        yield CounterMetricFamily(
            "payorch_job_lease_expiries",
            "Jobs whose worker died or hung.",
            value=counters.lease_expiries,
        )
        yield CounterMetricFamily(
            "payorch_job_fenced_completions",
            "Jobs whose worker came back after it had lost them.",
            value=counters.fenced_completions,
        )

    def _of_queues(self) -> Iterator[Metric]:
        columns: tuple[tuple[str, str, Callable[[QueueFigures], float]], ...] = (
            ("depth", "Jobs that wait, due or not.", lambda queue: queue.waiting),
            ("due", "Jobs that could run now.", lambda queue: queue.due),
            ("running", "Jobs that a worker holds.", lambda queue: queue.running),
            ("dead", "Jobs that were tried as often as they may be.", lambda queue: queue.dead),
            (
                "oldest_age_seconds",
                "How long the job that is due longest has been due.",
                lambda queue: queue.oldest_age_s,
            ),
        )
        for name, meaning, value_of in columns:
            family = GaugeMetricFamily(f"payorch_job_queue_{name}", meaning, labels=["queue"])
            for queue in self._figures.queues:
                family.add_metric([queue.queue], value_of(queue))
            yield family
