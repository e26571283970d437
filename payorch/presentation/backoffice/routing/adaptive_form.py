"""The form of adaptive routing: what it shows, and what was typed into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveMode, AdaptiveSettings
from payorch.presentation.backoffice.routing.posted_board import TypedNumbers
from payorch.presentation.backoffice.routing.rule_words import percent

MODES = tuple(mode.value for mode in AdaptiveMode)


@dataclass(frozen=True, slots=True)
class AdaptiveForm:
    """`texts` and `problems` by field name; `settings` None: something is not usable."""

    texts: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    settings: AdaptiveSettings | None = None

    @classmethod
    def of(cls, settings: AdaptiveSettings) -> Self:
        return cls(
            {
                "mode": settings.mode.value,
                "floor": percent(settings.floor).removesuffix("%"),
                "max_shift_per_h": percent(settings.max_shift_per_h).removesuffix("%"),
                "min_sample": str(settings.min_sample),
                "half_life_h": str(settings.half_life_h),
            }
        )

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Self:
        numbers = TypedNumbers(form)
        default = ADAPTIVE_OFF
        mode = form.get("mode", "")
        floor = numbers.percentage("floor", default.floor, Decimal("0.5"), Decimal(20))
        shift = numbers.percentage("max_shift_per_h", default.max_shift_per_h, Decimal(1))
        sample = numbers.number("min_sample", 50, 100_000, default.min_sample)
        half_life = numbers.number("half_life_h", 1, 14 * 24, default.half_life_h)
        problems = dict(numbers.problems)
        if mode not in MODES:
            problems["mode"] = "Choose one."
        settings = None
        if not problems:
            settings = AdaptiveSettings(
                mode=AdaptiveMode(mode),
                floor=floor,
                max_shift_per_h=shift,
                min_sample=sample,
                half_life_h=half_life,
            )
        return cls({"mode": mode, **numbers.texts}, problems, settings)
