"""Making, replacing and revoking API keys, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from payorch.application.api_keys import ApiKeyNotFound, ApiKeyRefused
from payorch.application.manage_api_keys import DEFAULT_OVERLAP, RotateApiKey
from payorch.domain.api_key import InvalidApiKey, KeyMode, KeyState
from payorch.domain.errors import ReasonRequired
from payorch.infrastructure.persistence.tables import ApiKeyRow, JournalRow
from tests.api_keys import creation, key_desk
from tests.fakes import FakeClock

ADA = "ada@example.org"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def desk(database, clock):
    return key_desk(database, clock=clock)


def rotation(made, **changes):
    fields = {"key_id": made.key.id, "actor": ADA, "reason": "a year is over"}
    return RotateApiKey(**(fields | changes))


def journal(database):
    with database.read() as connection:
        return connection.execute(select(JournalRow.__table__).order_by(JournalRow.id)).all()


def test_a_key_is_kept_as_it_was_asked_for(desk, clock):
    made = desk.create(creation(scopes=["refunds:read", "orders:read"], networks=["10.0.0.0/8"]))

    (kept,) = desk.all()
    assert kept == made.key == desk.key(made.key.id)
    assert (kept.mode, kept.networks) == (KeyMode.TEST, ("10.0.0.0/8",))
    assert kept.expires_at == clock.now() + timedelta(days=30)
    assert made.text.startswith(f"{kept.label}_")
    assert made.text not in repr(made)


def test_the_database_keeps_a_keyed_hash_only(desk, database):
    made = desk.create(creation())

    with database.read() as connection:
        row = connection.execute(select(ApiKeyRow.__table__)).one()
    assert made.text not in str(row)
    assert len(row.digest) == 64
    other = key_desk(database, secret_key="another secret key").create(creation("Other"))
    assert other.key.id != made.key.id


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"scopes": []}, {"scopes": ["all"]}, {"networks": ["home"]}]
)
def test_what_cannot_be_is_refused_and_leaves_nothing(desk, database, wrong):
    with pytest.raises(InvalidApiKey):
        desk.create(creation(**wrong))

    assert desk.all() == []
    assert journal(database) == []


def test_a_reason_is_asked_for(desk):
    made = desk.create(creation())

    for attempt in (
        lambda: desk.create(creation("Other", reason=" ")),
        lambda: desk.rotate(rotation(made, reason="")),
        lambda: desk.revoke(made.key.id, actor=ADA, reason=""),
    ):
        with pytest.raises(ReasonRequired):
            attempt()


def test_a_name_in_use_is_refused(desk):
    desk.create(creation())

    with pytest.raises(ApiKeyRefused, match="Rotate"):
        desk.create(creation())


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_name_is_free_when_its_key_has_ended(desk, clock, end):
    made = desk.create(creation())
    if end == "revoked":
        desk.revoke(made.key.id, actor=ADA, reason="lost")
    else:
        clock.advance(days=30)

    desk.create(creation())

    assert len(desk.all()) == 2


def test_a_successor_has_the_same_name_scopes_networks_and_length_of_life(desk, clock):
    old = desk.create(creation(scopes=["orders:read"], networks=["10.0.0.0/8"]))
    clock.advance(days=20)

    new = desk.rotate(rotation(old)).key

    kept = desk.key(old.key.id)
    assert (new.name, new.scopes, new.networks) == (kept.name, kept.scopes, kept.networks)
    assert new.expires_at == clock.now() + timedelta(days=30)
    assert kept.expires_at == clock.now() + DEFAULT_OVERLAP
    assert kept.replaced_by == new.id


def test_the_overlap_makes_no_key_live_longer(desk, clock):
    old = desk.create(creation(lifetime=timedelta(days=2)))

    desk.rotate(rotation(old))

    assert desk.key(old.key.id).expires_at == clock.now() + timedelta(days=2)


def test_there_are_never_three_active_keys_of_a_name(desk, clock):
    first = desk.create(creation(lifetime=None))
    second = desk.rotate(rotation(first))

    for key in (first, second):
        with pytest.raises(ApiKeyRefused, match="Two keys"):
            desk.rotate(rotation(key))

    clock.advance(days=DEFAULT_OVERLAP.days)
    third = desk.rotate(rotation(second))
    desk.revoke(second.key.id, actor=ADA, reason="the third is in place")
    desk.rotate(rotation(third))
    states = [key.state(clock.now()) for key in desk.all()]
    assert states == [KeyState.ACTIVE, KeyState.ACTIVE, KeyState.REVOKED, KeyState.EXPIRED]


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_has_ended_is_not_rotated(desk, clock, end):
    made = desk.create(creation())
    if end == "revoked":
        desk.revoke(made.key.id, actor=ADA, reason="lost")
    else:
        clock.advance(days=30)

    with pytest.raises(ApiKeyRefused, match=end):
        desk.rotate(rotation(made))


def test_a_key_of_the_other_mode_is_not_rotated_here(database, desk):
    live = key_desk(database, mode=KeyMode.LIVE).create(creation())

    with pytest.raises(ApiKeyRefused, match="live key"):
        desk.rotate(rotation(live))


@pytest.mark.parametrize("overlap", [timedelta(days=31), timedelta(hours=-1)])
def test_an_endless_overlap_is_refused(desk, overlap):
    made = desk.create(creation())

    with pytest.raises(InvalidApiKey):
        desk.rotate(rotation(made, overlap=overlap))


def test_a_key_is_revoked_once(desk, clock):
    made = desk.create(creation())

    desk.revoke(made.key.id, actor=ADA, reason="it was in a log")

    kept = desk.key(made.key.id)
    assert (kept.revoked_at, kept.revoked_by) == (clock.now(), ADA)
    assert kept.revoke_reason == "it was in a log"
    with pytest.raises(ApiKeyRefused, match="already"):
        desk.revoke(made.key.id, actor=ADA, reason="again")


def test_a_key_that_does_not_exist_is_said_so(desk):
    made = desk.create(creation())

    for attempt in (
        lambda: desk.key("00000000"),
        lambda: desk.rotate(rotation(made, key_id="00000000")),
        lambda: desk.revoke("00000000", actor=ADA, reason="lost"),
    ):
        with pytest.raises(ApiKeyNotFound):
            attempt()


def test_all_of_it_is_journalled_and_no_secret_is(desk, database):
    made = desk.create(creation())
    new = desk.rotate(rotation(made))
    desk.revoke(made.key.id, actor=ADA, reason="the new one is in place")

    entries = journal(database)

    assert [(entry.actor, entry.action, entry.reason) for entry in entries] == [
        (ADA, "create_api_key", "the new shop"),
        (ADA, "rotate_api_key", "a year is over"),
        (ADA, "revoke_api_key", "the new one is in place"),
    ]
    assert {entry.subject for entry in entries} == {f"api_key:{made.key.label}"}
    assert entries[1].after["key"] == new.key.label
    with database.read() as connection:
        digests = connection.scalars(select(ApiKeyRow.digest)).all()
    for secret in (made.text, new.text, made.text.split("_")[3], *digests):
        assert secret not in str(entries)
