"""The README tells what is true: commands, settings and practice numbers."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import click
import pytest

from payorch.cli import main
from payorch.cli.demo import CARD_TIPS
from payorch.config import Settings
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS, magic_cards_markdown

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
_NUMBER = re.compile(r"`((?:\d{4} ){3}\d{3,4})`")


def _section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _default_text(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "`1`" if value else "`0`"
    return f"`{value}`"


def test_there_are_exactly_two_commands_to_copy() -> None:
    commands = re.findall(r"```\n(.+?)\n```", README, re.DOTALL)

    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/payorch demo",
        'python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/pytest',
    ]


def test_ci_runs_the_test_command_word_for_word() -> None:
    (command,) = re.findall(r"```\n(.+pytest)\n```", README)

    assert f"\n    {command}\n" in (TOP / ".ci" / "run").read_text()


def test_every_setting_is_described_with_its_default() -> None:
    row = re.compile(r"^\| `(PAYORCH_\w+)` \| (.*?) ?\| \S", re.MULTILINE)
    rows = dict(row.findall(_section("Going to production")))
    expected = {}
    for field in fields(Settings):
        assert field.default is not MISSING
        expected[f"PAYORCH_{field.name.upper()}"] = _default_text(field.default)
    expected["PAYORCH_SECRET_KEY"] = "for development only"

    assert rows == expected


def test_every_command_is_described() -> None:
    described = set(re.findall(r"^\| `payorch ([\w-]+)", _section("The commands"), re.MULTILINE))

    assert described == set(main.list_commands(main.make_context("payorch", ["db"])))


def _command(path: str) -> click.Command:
    command: click.Command = main
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        if found is None:
            break
        command = found
        if not isinstance(command, click.Group):
            break
    return command


_ROWS = re.findall(r"^\| `payorch ([^`]+)` \| (.+) \|$", _section("The commands"), re.MULTILINE)


@pytest.mark.parametrize(("command", "text"), _ROWS)
def test_every_option_that_is_named_exists(command: str, text: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", f"{command} {text}"))
    options = {option for one in _command(command).params for option in one.opts}

    assert named <= options


def test_the_demos_options_that_are_named_exist() -> None:
    named = set(re.findall(r"`(--[a-z-]+)`", _section("Try it")))

    assert named <= {option for one in _command("demo").params for option in one.opts}


def test_the_table_of_practice_numbers_is_the_providers_own() -> None:
    table = README.split("--print-magic-numbers` -->\n")[1].split("<!-- end of")[0]

    assert table == magic_cards_markdown()


@pytest.mark.parametrize("number", sorted(set(_NUMBER.findall(README))))
def test_every_number_is_a_practice_number(number: str) -> None:
    assert number in {card.spaced_number for card in MAGIC_CARDS}


@pytest.mark.parametrize("number", [number for number, _ in CARD_TIPS])
def test_the_demo_recommends_practice_numbers(number: str) -> None:
    assert number in {card.spaced_number for card in MAGIC_CARDS}


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (TOP / path).exists(), path


def test_pages_that_are_named_are_served() -> None:
    assert set(re.findall(r"http://localhost:4321(/[\w/]*)", README)) <= {"/checkout", "/admin/"}


def test_decision_records_are_short_and_whole() -> None:
    records = sorted((TOP / "docs" / "adr").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))

    for record in records:
        text = record.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 60, record.name
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, record.name
