"""Ways of routing that are compared: payorch's own rules, and what is usually done instead."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from payorch.domain.adaptive_shares import (
    AdaptiveSettings,
    Evidence,
    discounted,
    is_in_outage,
    next_shares,
)
from payorch.domain.attempt_stats import Tally

ORDER = ("alpha", "beta", "gamma")
STEP_MIN = 5
"""payorch steps every minute; the leash makes the difference small, and this is five times as
fast to simulate. Outages are looked for every minute here, too."""


class Fixed:
    def __init__(self, first: str, name: str = "fixed order") -> None:
        self.name = name
        self._shares = {code: float(code == first) for code in ORDER}

    def shares(self, _minute: int) -> Mapping[str, float]:
        return self._shares

    def learn(self, minute: int, provider: str, outcomes: Sequence[bool]) -> None:
        """It never does."""


class LastOutcomes:
    """The provider with the best rate of its last 125 outcomes leads; the others get the floor."""

    def __init__(self, settings: AdaptiveSettings, length: int = 125) -> None:
        self.name = f"last {length} outcomes"
        self._floor = settings.floor
        self._last = {code: deque([True] * 1, maxlen=length) for code in ORDER}

    def shares(self, _minute: int) -> Mapping[str, float]:
        leader = max(ORDER, key=lambda code: sum(self._last[code]) / len(self._last[code]))
        rest = self._floor * (len(ORDER) - 1)
        return {code: 1 - rest if code == leader else self._floor for code in ORDER}

    def learn(self, _minute: int, provider: str, outcomes: Sequence[bool]) -> None:
        self._last[provider].extend(outcomes)


class Adaptive:
    """The domain's own functions, fed by the minute as the rollup feeds them."""

    name = "adaptive"

    def __init__(self, settings: AdaptiveSettings) -> None:
        self._settings = settings
        self._shares: dict[str, float] = {code: float(code == ORDER[0]) for code in ORDER}
        self._hours: dict[str, dict[int, list[int]]] = {
            code: defaultdict(lambda: [0, 0]) for code in ORDER
        }
        self._minutes: dict[str, deque[tuple[int, Tally]]] = {
            code: deque(maxlen=60) for code in ORDER
        }
        self._out: frozenset[str] = frozenset()
        self._known: dict[str, Evidence] = {}

    def shares(self, minute: int) -> Mapping[str, float]:
        is_step = minute % STEP_MIN == 0
        if is_step:
            self._known = {code: self._evidence(code, minute) for code in ORDER}
        out = self._in_outage(minute)
        if is_step or out != self._out:
            self._out = out
            self._shares = next_shares(
                self._shares,
                self._known,
                self._settings,
                hours=STEP_MIN / 60 if is_step else 0.0,
                demoted=out,
            )
        return self._shares

    def learn(self, minute: int, provider: str, outcomes: Sequence[bool]) -> None:
        counts = self._hours[provider][minute // 60]
        counts[0] += sum(outcomes)
        counts[1] += len(outcomes)
        tally = Tally(approved=sum(outcomes), finished=len(outcomes))
        self._minutes[provider].append((minute, tally))

    def _evidence(self, code: str, minute: int) -> Evidence:
        counts = [
            ((minute - 60 * hour) / 60, Tally(approved=approved, finished=finished))
            for hour, (approved, finished) in self._hours[code].items()
        ]
        return discounted(counts, half_life_h=self._settings.half_life_h)

    def _in_outage(self, minute: int) -> frozenset[str]:
        out = set()
        for code in ORDER:
            looks = [self._since(code, minute - length) for length in (5, 15, 60)]
            if looks[-1].finished == 0 and code not in self._out:
                continue
            usual = self._known[code]
            if usual.finished >= self._settings.min_sample and is_in_outage(
                looks, usual, was=code in self._out
            ):
                out.add(code)
        return frozenset(out)

    def _since(self, code: str, minute: int) -> Tally:
        total = Tally()
        for at, tally in self._minutes[code]:
            if at >= minute:
                total = total.merged(tally)
        return total
