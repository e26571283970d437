"""How countries, card brands and bands of amounts read, and what narrows the list to them."""

from collections.abc import Mapping, Sequence

from payorch.domain.segment import AMOUNT_BANDS, NO_BRAND, Segment, SegmentDimension
from payorch.presentation.backoffice.routing.rule_words import BRAND_LABELS
from payorch.presentation.countries import country_choices, country_name

DIMENSION_TITLES: Mapping[SegmentDimension, str] = {
    SegmentDimension.COUNTRY: "Country",
    SegmentDimension.CARD_BRAND: "Card brand",
    SegmentDimension.AMOUNT: "Amount band",
}

LIST_FILTERS: Mapping[SegmentDimension, str] = {
    SegmentDimension.COUNTRY: "country",
    SegmentDimension.CARD_BRAND: "card_brand",
    SegmentDimension.AMOUNT: "amount_band",
}
"""Name of the dimension's filter in the URL of the list of transactions."""


def segment_name(segment: Segment) -> str:
    """The whole name: "Germany (DE)", "Visa", "10 to 50"."""
    match segment.dimension:
        case SegmentDimension.COUNTRY:
            return f"{country_name(segment.value, 'en')} ({segment.value})"
        case SegmentDimension.CARD_BRAND:
            return _brand(segment.value)
        case SegmentDimension.AMOUNT:
            return _band(segment.value)


def segment_label(segment: Segment) -> str:
    """Short, as an axis has room for it."""
    match segment.dimension:
        case SegmentDimension.COUNTRY:
            return segment.value
        case SegmentDimension.CARD_BRAND:
            return "Other" if segment.value == NO_BRAND else _brand(segment.value)
        case SegmentDimension.AMOUNT:
            start, below = AMOUNT_BANDS[segment.value]
            if below is None:
                return f"{start}+"
            return f"{start}-{below}" if start else f"<{below}"


def segment_choices(dimension: SegmentDimension) -> Sequence[tuple[str, str]]:
    """(value, name) of all there are."""
    match dimension:
        case SegmentDimension.COUNTRY:
            return [(code, f"{name} ({code})") for code, name in country_choices("en")]
        case SegmentDimension.CARD_BRAND:
            return [*BRAND_LABELS.items(), (NO_BRAND, _brand(NO_BRAND))]
        case SegmentDimension.AMOUNT:
            return [(code, _band(code)) for code in AMOUNT_BANDS]


def _brand(value: str) -> str:
    return "No card, or unknown" if value == NO_BRAND else BRAND_LABELS.get(value, value)


def _band(code: str) -> str:
    start, below = AMOUNT_BANDS[code]
    if below is None:
        return f"{start} and more"
    return f"{start} to {below}" if start else f"Under {below}"
