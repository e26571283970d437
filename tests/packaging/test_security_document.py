"""docs/security.md names tests that exist, and leaves no requirement out."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
TEXT = (TOP / "docs" / "security.md").read_text(encoding="utf-8")
LAST_REQUIREMENT = 52
PLACES = (
    "payorch",
    "payorch/presentation",
    "payorch/presentation/backoffice",
    "payorch/infrastructure",
)
STATES = ("shown", "partly: ", "no: ")


def rows():
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in TEXT.splitlines()
        if line.startswith("| S")
    ]


def test_every_test_that_is_named_exists():
    named = re.findall(r"`([a-z_/]+\.py)(?:::(\w+))?`", " ".join(row[3] for row in rows()))

    assert len(named) > 70
    for file, test in named:
        text = (TOP / "tests" / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^\s*def {test}\(", text, re.MULTILINE), f"{file}::{test}"


def test_every_requirement_has_its_line_and_its_state():
    numbers = []
    for numbered, *_, state in rows():
        ends = [int(number) for number in re.findall(r"S(\d+)", numbered)]
        numbers += range(ends[0], ends[-1] + 1)
        assert state.startswith(STATES), (numbered, state)

    assert numbers == list(range(1, LAST_REQUIREMENT + 1))


def test_every_place_that_is_named_exists():
    for row in rows():
        for place in re.findall(r"`([\w/.]+)`", row[2]):
            found = any((TOP / folder / place).exists() for folder in (*PLACES, "."))
            assert found or list(TOP.glob(f"payorch/**/{place}")), place


def test_pages_that_it_leads_to_exist():
    for path in re.findall(r"\]\(((?!http)[^)]+)\)", TEXT):
        assert (TOP / "docs" / path).exists(), path
