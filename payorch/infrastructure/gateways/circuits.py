"""Circuit breakers and bulkheads of all providers, in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from payorch.application.provider_gateway import CircuitView
from payorch.domain.circuit import Circuit, CircuitSettings, CircuitState


class ProcessCircuitBoard:
    """Thread-safe keeper of one Circuit per provider. `monotonic` is the clock's."""

    def __init__(
        self, monotonic: Callable[[], float], settings: CircuitSettings | None = None
    ) -> None:
        self._monotonic = monotonic
        self._settings = settings or CircuitSettings()
        self._lock = Lock()
        self._circuits: dict[str, Circuit] = {}

    def is_open(self, provider_code: str) -> bool:
        with self._lock:
            state = self._circuit(provider_code).look(self._monotonic())
        return state is CircuitState.OPEN

    def recent_failure_share(self, provider_code: str) -> float:
        with self._lock:
            return self._circuit(provider_code).recent_failure_share()

    def try_acquire(self, provider_code: str) -> bool:
        with self._lock:
            return self._circuit(provider_code).try_acquire(self._monotonic())

    def record(self, provider_code: str, *, is_technical_failure: bool) -> None:
        with self._lock:
            self._circuit(provider_code).record(
                is_technical_failure=is_technical_failure, now=self._monotonic()
            )

    def view(self, provider_code: str) -> CircuitView:
        with self._lock:
            circuit, now = self._circuit(provider_code), self._monotonic()
            return CircuitView(
                circuit.look(now), circuit.opens_again_in_s(now), circuit.recent_failure_share()
            )

    def _circuit(self, provider_code: str) -> Circuit:
        if provider_code not in self._circuits:
            self._circuits[provider_code] = Circuit(self._settings)
        return self._circuits[provider_code]


class Bulkhead:
    """At most `max_concurrency` calls at once; a full one refuses instead of queueing."""

    def __init__(self, max_concurrency: int) -> None:
        self._places = BoundedSemaphore(max_concurrency)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """True when the caller may go in."""
        is_in = self._places.acquire(blocking=False)
        try:
            yield is_in
        finally:
            if is_in:
                self._places.release()
