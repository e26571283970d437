"""The walk along the chain, over entries in memory: each kind of damage is told apart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.application.journal_archive import JournalArchive
from payorch.application.verify_journal import Defect, VerifyJournalUseCase
from payorch.domain.journal_chain import GENESIS, ChainHead, JournalEntry, as_json, hash_of

START = datetime(2026, 11, 27, 12, tzinfo=UTC)


def chain(ids):
    entries, previous = [], GENESIS
    for number in ids:
        entry = JournalEntry(
            id=number,
            created_at=START + timedelta(seconds=number),
            actor="olga@example.org",
            action=f"action_{number}",
            subject="routing_policy",
            reason="as asked",
            before=None,
            after={"number": number},
            previous_hash=previous,
        )
        entries.append(replace(entry, hash=hash_of(entry)))
        previous = entries[-1].hash
    return entries


def head_of(entries):
    return ChainHead(len(entries), entries[-1].id, entries[-1].hash)


class InMemory:
    def __init__(self, entries, head):
        self.stored = sorted(entries, key=lambda entry: entry.id)
        self.end = head

    def head(self):
        return self.end

    def page_after(self, entry_id):
        return [entry for entry in self.stored if entry.id > entry_id][:3]

    def follower_of(self, previous_hash):
        return next((e for e in self.stored if e.previous_hash == previous_hash), None)

    def with_hash(self, entry_hash):
        return next((e for e in self.stored if e.hash == entry_hash), None)

    def entries(self, *, since, until, up_to_id):  # noqa: ARG002 - the port's signature
        return iter([entry for entry in self.stored if entry.id <= up_to_id])


def verify(entries, head, **options):
    return VerifyJournalUseCase(InMemory(entries, head)).execute(**options)


def resealed(entry, **changes):
    """A forger's: as if payorch had written it so."""
    changed = replace(entry, **changes)
    return replace(changed, hash=hash_of(changed))


def test_gaps_from_before_the_chain_break_nothing():
    entries = chain([3, 4, 9])

    found = verify(entries, head_of(entries))

    assert (found.broken, found.sound) == (None, 3)


def test_an_entry_put_into_a_gap_is_no_part_of_the_chain():
    entries = chain([1, 2, 7])
    forged = replace(entries[1], id=5, previous_hash="e" * 64)

    broken = verify([*entries, forged], head_of(entries)).broken

    assert (broken.defect, broken.entry_id) == (Defect.UNLINKED, 5)


def test_an_entry_written_anew_in_the_middle_breaks_the_next_one():
    entries = chain(range(1, 6))
    entries[2] = resealed(entries[2], reason="never asked")

    broken = verify(entries, head_of(entries)).broken

    assert (broken.defect, broken.entry_id) == (Defect.MISSING, 4)
    assert "right before it" in broken.says


def test_the_newest_entry_written_anew_is_not_the_one_of_the_head():
    entries = chain(range(1, 4))
    head = head_of(entries)
    entries[2] = resealed(entries[2], reason="never asked")

    broken = verify(entries, head).broken

    assert (broken.defect, broken.entry_id) == (Defect.REWRITTEN, 3)


def test_several_behind_the_head_are_no_part_of_the_chain():
    entries = chain(range(1, 12))

    found = verify(entries, head_of(entries[:4]))

    assert (found.broken.defect, found.broken.entry_id) == (Defect.UNLINKED, 5)
    assert found.sound == 4


def test_several_that_are_missing_are_counted_up():
    entries = chain(range(1, 9))

    broken = verify([*entries[:2], *entries[5:]], head_of(entries)).broken
    nothing = verify([], head_of(entries)).broken

    assert (broken.defect, broken.entry_id) == (Defect.MISSING, 3)
    assert "Of entries 3 to 5 some are missing" in broken.says
    assert (nothing.defect, nothing.entry_id) == (Defect.MISSING, 1)
    assert broken.to_json() == {
        "defect": "missing",
        "id": 3,
        "created_at": None,
        "action": None,
        "says": broken.says,
    }


def test_the_first_entry_missing_is_told_by_its_number():
    entries = chain(range(1, 4))

    broken = verify(entries[1:], head_of(entries)).broken

    assert (broken.defect, broken.entry_id) == (Defect.MISSING, 1)
    assert "Entry 1 is missing" in broken.says


def test_a_head_that_is_gone_does_not_hide_what_is_broken_before():
    entries = chain(range(1, 4))
    entries[1] = replace(entries[1], actor="nobody")

    assert verify(entries, None).broken.entry_id == 2
    assert verify(entries, None, since_hash="a" * 64).broken.defect is Defect.REWRITTEN


@given(
    count=st.integers(1, 9),
    place=st.integers(0, 8),
    field=st.sampled_from(["actor", "action", "subject", "reason", "hash", "previous_hash"]),
    text=st.text(max_size=8),
)
def test_any_other_text_in_any_column_is_noticed(count, place, field, text):
    entries = chain(range(1, count + 1))
    head, index = head_of(entries), place % count
    entries[index] = replace(entries[index], **{field: getattr(entries[index], field) + "x" + text})

    found = verify(entries, head)

    assert found.broken.entry_id == index + 1
    assert found.broken.defect is Defect.CHANGED
    assert found.sound == index


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(state=st.dictionaries(st.text() | st.integers(), json_values, max_size=4))
def test_the_hash_is_the_same_after_the_state_was_stored_and_read(state):
    written = resealed(chain([1])[0], after=as_json(state))

    read_back = replace(written, after=as_json(written.after))

    assert read_back.is_as_written()


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        as_json({"share": float("nan")})


def test_an_archive_without_a_head_still_gives_its_entries():
    entries = chain(range(1, 4))

    archive = JournalArchive(InMemory(entries, None), None, None)

    assert archive.head() is None
    assert list(archive.entries(None, None)) == entries
