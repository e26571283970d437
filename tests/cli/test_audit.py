import csv
import io
import json
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.cli.conftest import Payorch
from tests.databases import open_database
from tests.journalled import hand_at_the_journal, journal_entry


@contextmanager
def database_of(payorch: Payorch):
    with open_database(payorch.environment["PAYORCH_DATABASE_URL"]) as database:
        yield database


@pytest.fixture
def journal(payorch: Payorch) -> Payorch:
    """Three entries; the second one is what a spreadsheet would run."""
    with database_of(payorch) as database:
        for number, reason in enumerate(("as asked", '=HYPERLINK("x")', "again"), start=1):
            with database.tx() as connection:
                journal_entry(connection, "note", f"order:po_{number}", reason=reason)
    return payorch


def tamper(payorch: Payorch, statement: str) -> None:
    with database_of(payorch) as database, hand_at_the_journal(database) as connection:
        connection.execute(text(statement))


def head_of(payorch: Payorch) -> str:
    head: str = json.loads(payorch("audit", "verify", "--json").output)["head"]["hash"]
    return head


def test_a_sound_journal_ends_with_0_and_the_hash_to_note(journal: Payorch) -> None:
    result = journal("audit", "verify")

    assert result.exit_code == 0
    assert result.output == (
        "The journal is as it was written: 3 entries checked.\n"
        f"head  {head_of(journal)}  (entry 3, 3 in all)\n"
    )


def test_a_changed_entry_ends_with_1_and_is_named(journal: Payorch) -> None:
    tamper(journal, "UPDATE journal SET reason = 'never asked' WHERE id = 2")

    result = journal("audit", "verify")

    assert result.exit_code == 1
    assert "broken  entry 2  20" in result.output
    assert "changed: It was changed after it was written" in result.output
    assert "1 entry sound before that." in result.output


def test_a_missing_entry_is_named_to_machines_too(journal: Payorch) -> None:
    tamper(journal, "DELETE FROM journal WHERE id = 2")

    result = journal("audit", "verify", "--json")

    report = json.loads(result.output)
    assert result.exit_code == 1
    assert (report["holds"], report["sound"]) == (False, 1)
    assert (report["broken"]["defect"], report["broken"]["id"]) == ("missing", 2)


def test_a_noted_hash_shows_that_the_end_was_cut_off(journal: Payorch) -> None:
    noted = head_of(journal)
    tamper(journal, "DELETE FROM journal WHERE id = 3")
    tamper(
        journal,
        "UPDATE journal_head SET entries = 2, last_id = 2,"
        " hash = (SELECT hash FROM journal WHERE id = 2)",
    )

    assert journal("audit", "verify").exit_code == 0
    result = journal("audit", "verify", "--expect", noted)

    assert result.exit_code == 1
    assert f"rewritten: The noted hash {noted} is not in the chain" in result.output
    assert journal("audit", "verify", "--expect", head_of(journal)).exit_code == 0


def test_a_check_since_a_noted_hash_looks_at_what_is_newer(journal: Payorch) -> None:
    result = journal("audit", "verify", "--since-hash", head_of(journal))

    assert result.exit_code == 0
    assert "0 entries checked" in result.output


@pytest.mark.parametrize("option", ["--expect", "--since-hash"])
def test_what_is_no_hash_is_refused(journal: Payorch, option: str) -> None:
    result = journal("audit", "verify", option, "abc")

    assert result.exit_code == 2
    assert "64 hexadecimal digits" in result.output


def test_a_journal_that_cannot_be_read_ends_with_2(new_payorch: Payorch) -> None:
    result = new_payorch("audit", "verify")

    assert result.exit_code == 2
    assert "payorch db upgrade" in result.output


def test_the_books_are_broken_when_the_journal_is(journal: Payorch) -> None:
    tamper(journal, "UPDATE journal SET actor = 'nobody' WHERE id = 3")

    result = journal("verify")

    assert result.exit_code == 1
    assert "journal_broken  journal entry 3" in result.output


def test_the_json_file_holds_what_the_hashes_are_taken_over(journal: Payorch) -> None:
    """As docs/audit.md tells an auditor to work it out, without payorch."""
    from hashlib import sha256

    entries = json.loads(journal("audit", "export").output)

    assert [entry["id"] for entry in entries] == [1, 2, 3]
    previous = "0" * 64
    for entry in entries:
        written = entry.pop("hash")
        assert entry["previous_hash"] == previous
        columns = {name: value for name, value in entry.items() if value is not None}
        canonical = json.dumps(columns, sort_keys=True, separators=(",", ":"))
        previous = sha256(canonical.encode()).hexdigest()
        assert written == previous


def test_the_csv_file_runs_nothing_in_a_spreadsheet(journal: Payorch) -> None:
    result = journal("audit", "export", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert [row["reason"] for row in rows] == ["as asked", '\'=HYPERLINK("x")', "again"]
    assert rows[2]["previous_hash"] == rows[1]["hash"]


def test_a_stretch_of_time_is_cut_out(journal: Payorch) -> None:
    assert json.loads(journal("audit", "export", "--until", "2020-01-01").output) == []
    assert json.loads(journal("audit", "export", "--since", "2099-01-01T00:00+02:00").output) == []
    everything = journal("audit", "export", "--since", "2020-01-01", "--until", "2099-01-01")
    assert len(json.loads(everything.output)) == 3
    refused = journal("audit", "export", "--since", "yesterday")
    assert refused.exit_code == 2
    assert "Write a time such as" in refused.output
