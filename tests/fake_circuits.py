"""Shared circuits in memory: the database's part, which can be away."""

from payorch.application.circuit_board import CircuitReading, ProbeAnswer
from payorch.domain.circuit import CircuitSettings, Evidence
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.shared_circuit import SharedCircuit


class FakeSharedCircuits:
    """`attempts` is what the attempts of all processes show."""

    def __init__(self, clock, settings=None) -> None:
        self._clock = clock
        self._settings = settings or CircuitSettings()
        self.circuits: dict[str, SharedCircuit] = {}
        self.attempts = Evidence()
        self.is_away = False
        self.asked = 0

    def load(self):
        self._ask()
        return CircuitReading(dict(self.circuits), self._clock.now())

    def evidence(self, provider_code, *, window_s):  # noqa: ARG002 - the port's signature
        self._ask()
        return self.attempts

    def open(self, provider_code, *, because, evidence, for_s, seen_by):
        return self._change(
            provider_code,
            lambda circuit, now: circuit.opened(
                now, because=because, evidence=evidence, for_s=for_s, seen_by=seen_by
            ),
        )

    def take_probe(self, provider_code, *, lease_s):
        token = self._of(provider_code).probe_token
        reading = self._change(
            provider_code, lambda circuit, now: circuit.with_probe(now, lease_s=lease_s)
        )
        given = self._of(provider_code).probe_token
        return ProbeAnswer(given if given != token else None, reading)

    def pass_probe(self, provider_code, *, token):
        return self._change(
            provider_code,
            lambda circuit, now: circuit.after_passed_probe(
                now, token=token, settings=self._settings
            ),
        )

    def fail_probe(self, provider_code, *, token, failure, at_least_s, seen_by):
        return self._change(
            provider_code,
            lambda circuit, now: circuit.after_failed_probe(
                now,
                token=token,
                failure=failure,
                settings=self._settings,
                seen_by=seen_by,
                at_least_s=at_least_s,
            ),
        )

    def hold(self, provider_code, hold):
        self._change(provider_code, lambda circuit, _now: circuit.held(hold))

    def _change(self, provider_code, change):
        self._ask()
        now = self._clock.now()
        circuit = self._of(provider_code)
        self.circuits[provider_code] = change(circuit, now) or circuit
        return CircuitReading({provider_code: self.circuits[provider_code]}, now)

    def _of(self, provider_code):
        return self.circuits.get(provider_code) or SharedCircuit(provider_code)

    def _ask(self):
        self.asked += 1
        if self.is_away:
            raise LedgerUnavailable("The database is away.")
