import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "payorch/presentation/static/css/theme.css").read_text()
LIGHT, SYSTEM_DARK, CHOSEN_DARK = (
    dict(re.findall(r"--po-([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r"color-scheme: \w+;(.*?)\}", CSS, flags=re.DOTALL)
)


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2 contrast ratio, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_dark_looks_the_same_whether_the_system_or_the_person_chose_it():
    assert SYSTEM_DARK == CHOSEN_DARK


def test_dark_leaves_no_color_to_the_light_theme():
    assert set(CHOSEN_DARK) == set(LIGHT)


@pytest.mark.parametrize("theme", [LIGHT, CHOSEN_DARK], ids=["light", "dark"])
def test_text_reaches_wcag_aa_on_every_surface(theme):
    for text in ("text", "text-muted", "accent"):
        for surface in ("page", "surface", "surface-sunken"):
            assert contrast(theme[text], theme[surface]) >= 4.5, (text, surface)
    for tone in ("success", "danger", "warning", "unknown", "neutral"):
        assert contrast(theme[tone], theme[f"{tone}-soft"]) >= 4.5, tone
    assert contrast(theme["on-accent"], theme["accent"]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, CHOSEN_DARK], ids=["light", "dark"])
def test_controls_and_chart_lines_reach_three_to_one(theme):
    for part in ["border-control", *(f"series-{number}" for number in range(1, 9))]:
        assert contrast(theme[part], theme["surface"]) >= 3, part
