from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.api_key import (
    MAX_NETWORKS,
    ApiKey,
    InvalidApiKey,
    KeyMode,
    KeyState,
    Scope,
    checked_lifetime,
    checked_name,
    checked_networks,
    checked_scopes,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_key(**changes):
    fields = {
        "id": "8Fk2mQx1",
        "mode": KeyMode.TEST,
        "name": "Web shop",
        "scopes": frozenset({Scope.READ_ORDERS}),
        "networks": (),
        "created_at": NOW,
        "created_by": "ada@example.org",
    }
    return ApiKey(**(fields | changes))


def test_a_key_ends_at_its_end_and_not_before():
    key = a_key(expires_at=NOW)

    assert key.state(NOW - SECOND) is KeyState.ACTIVE
    assert key.state(NOW) is KeyState.EXPIRED


def test_a_revoked_key_stays_revoked_when_it_has_ended():
    key = a_key(expires_at=NOW, revoked_at=NOW - SECOND)

    assert key.state(NOW + SECOND) is KeyState.REVOKED


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("203.0.113.7", True),
        ("203.0.114.7", False),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_a_key_works_from_its_networks_only(address, is_allowed):
    key = a_key(networks=checked_networks(["203.0.113.0/24", "2001:db8::/32"]))

    assert key.may_come_from(address) is is_allowed


def test_without_networks_a_key_works_from_anywhere():
    assert a_key().may_come_from("203.0.113.7")
    assert a_key().may_come_from("")


def test_networks_are_stored_once_and_without_blank_lines():
    typed = [" 203.0.113.7 ", "", "203.0.113.7/32", "10.0.0.0/8"]

    assert checked_networks(typed) == ("203.0.113.7", "10.0.0.0/8")


@pytest.mark.parametrize(
    "typed", ["10.0.0.5/8", "example.org", "10.0.0.0/33", "::ffff:10.0.0.1", "10.0.0.1 10.0.0.2"]
)
def test_what_is_no_network_is_refused(typed):
    with pytest.raises(InvalidApiKey):
        checked_networks([typed])


def test_too_many_networks_are_refused():
    with pytest.raises(InvalidApiKey):
        checked_networks([f"10.0.0.{number}" for number in range(MAX_NETWORKS + 1)])


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "x" * 81])
def test_a_name_is_one_line(name):
    with pytest.raises(InvalidApiKey):
        checked_name(name)


@pytest.mark.parametrize("scopes", [[], ["orders:read", "orders:delete"], [""]])
def test_scopes_that_do_not_exist_are_refused(scopes):
    with pytest.raises(InvalidApiKey):
        checked_scopes(scopes)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=-1), timedelta(days=4000)])
def test_a_key_that_ends_before_it_begins_is_refused(lifetime):
    with pytest.raises(InvalidApiKey):
        checked_lifetime(lifetime)


def test_every_scope_says_what_it_is_for():
    assert all(scope.meaning for scope in Scope)
