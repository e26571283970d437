"""Who is let in, on both databases. What each answer looks like: tests/presentation."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from payorch.application.admit_api_caller import (
    AdmitApiCallerUseCase,
    Admitted,
    ApiEntrance,
    Refusal,
)
from payorch.application.manage_api_keys import RotateApiKey
from payorch.config import DEVELOPMENT_SECRET
from payorch.domain.api_key import ALL_SCOPES, KeyMode, Scope
from payorch.domain.api_key_text import KeyText, read_key
from payorch.infrastructure.security.api_key_secrets import DerivedApiKeySecrets
from tests.api_keys import creation, key_book, key_desk
from tests.fakes import FakeClock

TOKEN = "a-configured-token-0123456789"
HOME = "203.0.113.7"


class Door:
    def __init__(self, database):
        self.database, self.clock = database, FakeClock()
        self.desk = key_desk(database, clock=self.clock)

    def admission(
        self, *, token=None, is_open=False, mode=KeyMode.TEST, secret_keys=(DEVELOPMENT_SECRET,)
    ):
        secrets = DerivedApiKeySecrets(secret_keys[0], secret_keys[1:])
        entrance = ApiEntrance(mode=mode, token=token, is_open_without_keys=is_open)
        return AdmitApiCallerUseCase(key_book(self.database), secrets, self.clock, entrance)

    def asks(self, presented, *, address=HOME, **options):
        return self.admission(**options).execute(presented, address=address)

    def made(self, **fields):
        return self.desk.create(creation(**fields))


@pytest.fixture
def door(database):
    return Door(database)


def with_wrong_secret(text):
    """The same id, a right checksum, another secret."""
    key = read_key(text)
    return KeyText.of(key.mode, key.id, "w" * 43).text


def test_a_key_opens_what_its_scopes_name(door):
    made = door.made(scopes=["orders:read"])

    admitted = door.asks(made.text)

    assert admitted.scopes == {Scope.READ_ORDERS}
    assert admitted.actor == f"api key {made.key.label}"


def test_nothing_and_nonsense_are_refused(door):
    assert door.asks(None) is Refusal.MISSING
    assert door.asks("") is Refusal.MISSING
    assert door.asks("nonsense") is Refusal.UNKNOWN


def test_a_wrong_secret_is_refused_like_an_unknown_id(door):
    made = door.made(lifetime=None)
    unknown = KeyText.of(KeyMode.TEST, "00000000", "w" * 43).text

    assert door.asks(with_wrong_secret(made.text)) is Refusal.UNKNOWN
    assert door.asks(unknown) is Refusal.UNKNOWN


def test_only_who_has_the_secret_learns_that_a_key_was_revoked(door):
    made = door.made()
    door.desk.revoke(made.key.id, actor="ada@example.org", reason="lost")

    assert door.asks(made.text) is Refusal.REVOKED
    assert door.asks(with_wrong_secret(made.text)) is Refusal.UNKNOWN


def test_a_key_ends_by_itself(door):
    made = door.made(lifetime=timedelta(days=1))
    door.clock.advance(days=1)

    assert door.asks(made.text) is Refusal.EXPIRED


def test_a_key_of_the_other_mode_is_refused(door):
    made = door.made()

    assert door.asks(made.text, mode=KeyMode.LIVE) is Refusal.OTHER_MODE


def test_a_key_is_refused_from_elsewhere(door):
    made = door.made(networks=["203.0.113.0/24"])

    assert isinstance(door.asks(made.text), Admitted)
    assert door.asks(made.text, address="198.51.100.1") is Refusal.ADDRESS


def test_both_keys_work_until_the_old_one_ends(door):
    old = door.made()
    new = door.desk.rotate(
        RotateApiKey(
            key_id=old.key.id,
            actor="ada@example.org",
            reason="a year is over",
            overlap=timedelta(hours=1),
        )
    )
    assert isinstance(door.asks(old.text), Admitted)
    assert isinstance(door.asks(new.text), Admitted)

    door.clock.advance(hours=1)

    assert door.asks(old.text) is Refusal.EXPIRED
    assert isinstance(door.asks(new.text), Admitted)


def test_a_new_secret_key_keeps_the_keys_while_the_old_one_is_named(door):
    made = door.made()

    assert door.asks(made.text, secret_keys=["new" * 20]) is Refusal.UNKNOWN
    assert isinstance(door.asks(made.text, secret_keys=["new" * 20, DEVELOPMENT_SECRET]), Admitted)


def test_the_token_opens_everything_beside_keys(door):
    door.made()

    admitted = door.asks(TOKEN, token=TOKEN)

    assert (admitted.actor, admitted.scopes) == ("api", ALL_SCOPES)
    assert door.asks(f"{TOKEN}x", token=TOKEN) is Refusal.UNKNOWN
    assert door.asks("caf\u00e9", token=TOKEN) is Refusal.UNKNOWN


def test_development_is_open_until_the_first_key_and_never_again(door):
    admission = door.admission(is_open=True)
    assert isinstance(admission.execute(None, address=HOME), Admitted)

    made = door.made()
    assert admission.execute(None, address=HOME) is Refusal.MISSING

    door.desk.revoke(made.key.id, actor="ada@example.org", reason="lost")
    assert admission.execute(None, address=HOME) is Refusal.MISSING
    assert door.asks(None, is_open=True) is Refusal.MISSING


def test_a_token_closes_development(door):
    assert door.asks(None, is_open=True, token=TOKEN) is Refusal.MISSING


@pytest.mark.parametrize("kind", ["right", "wrong secret", "unknown id"])
def test_each_request_costs_one_look_up(door, kind):
    made = door.made()
    presented = {
        "right": made.text,
        "wrong secret": with_wrong_secret(made.text),
        "unknown id": KeyText.of(KeyMode.TEST, "00000000", "w" * 43).text,
    }[kind]
    statements = []
    event.listen(
        door.database.engine,
        "before_cursor_execute",
        lambda *facts: statements.append(facts[2]),
    )

    door.asks(presented)

    (statement,) = statements
    assert "WHERE api_keys.public_id" in statement


@pytest.mark.parametrize("presented", [None, "nonsense", "po_test_mistyped", TOKEN])
def test_who_is_told_apart_by_the_text_costs_none(door, presented):
    statements = []
    event.listen(
        door.database.engine,
        "before_cursor_execute",
        lambda *facts: statements.append(facts[2]),
    )

    door.asks(presented, token=TOKEN)

    assert statements == []


def test_use_is_noted_once_a_minute(door):
    made, admission = door.made(), door.admission()

    def used():
        return door.desk.key(made.key.id).last_used_at

    first = door.clock.now()
    assert admission.execute(made.text, address=HOME).noted_key_id == made.key.id
    admission.note_use(made.key.id)
    assert used() == first

    door.clock.advance(seconds=59)
    assert admission.execute(made.text, address=HOME).noted_key_id is None
    # Another process that asked before the first one wrote.
    admission.note_use(made.key.id)
    assert used() == first

    door.clock.advance(seconds=1)
    assert admission.execute(made.text, address=HOME).noted_key_id == made.key.id
    admission.note_use(made.key.id)
    assert used() == first + timedelta(minutes=1)
