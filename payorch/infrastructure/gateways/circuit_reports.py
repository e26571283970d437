"""What one process has to tell the others about providers, kept until the outcome is recorded."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from payorch.application.circuit_board import CircuitReading, SharedCircuits
from payorch.domain.circuit import CircuitSettings, Evidence
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.shared_circuit import OpenedBecause

_log = structlog.get_logger("payorch.circuits")


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Technical failures here: is it the provider, by what all processes have seen of it?"""

    provider_code: str


@dataclass(frozen=True, slots=True)
class CoolDown:
    """The provider asked us to wait."""

    provider_code: str
    for_s: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`failure` None: it passed. `at_least_s`: so long the provider asked us to wait."""

    provider_code: str
    token: int
    failure: str | None
    at_least_s: float


class CircuitReports:
    """Thread-safe."""

    def __init__(
        self,
        shared: SharedCircuits,
        settings: CircuitSettings,
        process_name: Callable[[], str],
    ) -> None:
        self._shared = shared
        self._settings = settings
        self._process_name = process_name
        self._waiting: deque[Suspicion | CoolDown | ProbeResult] = deque()

    def add(self, report: Suspicion | CoolDown | ProbeResult) -> None:
        self._waiting.append(report)

    def send(self, own_evidence: Callable[[str], Evidence]) -> Iterator[CircuitReading]:
        """Each report's circuit as it is after it; none for a suspicion that came to nothing."""
        while self._waiting:
            try:
                report = self._waiting.popleft()
            except IndexError:
                # Another thread was faster.
                return
            try:
                reading = self._say(report, own_evidence)
            except LedgerUnavailable:
                # The next failure brings it up again, and an untold probe's lease runs out.
                _log.warning("circuit_report_lost", provider=report.provider_code)
                self._waiting.clear()
                return
            if reading is not None:
                yield reading

    def _say(
        self,
        report: Suspicion | CoolDown | ProbeResult,
        own_evidence: Callable[[str], Evidence],
    ) -> CircuitReading | None:
        match report:
            case Suspicion(provider_code=code):
                return self._accuse(code, own_evidence(code))
            case CoolDown(provider_code=code, for_s=for_s, evidence=evidence):
                return self._open(code, OpenedBecause.RATE_LIMITED, evidence, for_s)
            case ProbeResult():
                return self._tell_of_probe(report)

    def _accuse(self, provider_code: str, own: Evidence) -> CircuitReading | None:
        """Open for all only by the evidence of all: a host that has lost its own way out must
        not take the provider from the others.
        """
        evidence = self._shared.evidence(provider_code, window_s=self._settings.window_s)
        if evidence.calls < own.calls:
            # Attempts of ours are still being recorded.
            evidence = own
        if not evidence.condemns(self._settings):
            return None
        return self._open(provider_code, OpenedBecause.FAILURES, evidence, self._settings.open_s)

    def _open(
        self, provider_code: str, because: OpenedBecause, evidence: Evidence, for_s: float
    ) -> CircuitReading:
        reading = self._shared.open(
            provider_code,
            because=because,
            evidence=evidence,
            for_s=for_s,
            seen_by=self._process_name(),
        )
        _log.warning("circuit_opened", provider=provider_code, because=because.value)
        return reading

    def _tell_of_probe(self, result: ProbeResult) -> CircuitReading:
        if result.failure is None:
            return self._shared.pass_probe(result.provider_code, token=result.token)
        return self._shared.fail_probe(
            result.provider_code,
            token=result.token,
            failure=result.failure,
            at_least_s=result.at_least_s,
            seen_by=self._process_name(),
        )
