"""Accounts are made by command, with a real password, known roles and a journal entry."""

from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from payorch.application.staff_permissions import (
    ROLE_DESCRIPTIONS,
    ROLE_PERMISSIONS,
    Permission,
)
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.staff_roles import StaffAccountRefused
from payorch.infrastructure.persistence.tables import JournalRow, RoleRow, StaffRow

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def accounts(database):
    return StaffAccounts(database)


def test_a_new_account_gets_a_password_that_is_stored_only_as_a_hash(database, accounts):
    made = accounts.create("Olga@Example.org", ["ops", "finance"], at=NOW)

    with database.read() as connection:
        (row,) = connection.execute(select(StaffRow.__table__)).all()
    assert (made.email, made.roles) == ("olga@example.org", ("finance", "ops"))
    assert len(made.password) >= 20
    assert row.password.startswith("$argon2id$")
    assert PasswordHasher().verify(row.password, made.password)
    assert made.password not in repr(made)


def test_an_account_can_be_looked_up_with_its_roles(accounts):
    accounts.create("olga@example.org", ["ops", "finance"], at=NOW)
    accounts.create("ana@example.org", ["auditor"], at=NOW)
    accounts.set_active("ana@example.org", is_active=False, at=NOW)

    assert [(a.email, a.roles, a.is_active) for a in accounts.all()] == [
        ("ana@example.org", ("auditor",), False),
        ("olga@example.org", ("finance", "ops"), True),
    ]


@pytest.mark.parametrize(
    ("email", "roles", "password"),
    [
        ("not an address", ["ops"], None),
        ("olga@example.org", ["emperor"], None),
        ("olga@example.org", [], None),
        ("olga@example.org", ["ops"], "elevenchars"),
        ("olga@example.org", ["ops"], "x" * 129),
        ("TAKEN@example.org", ["ops"], None),
    ],
)
def test_an_account_that_could_not_be_used_is_refused(accounts, email, roles, password):
    accounts.create("taken@example.org", ["viewer"], at=NOW)

    with pytest.raises(StaffAccountRefused):
        accounts.create(email, roles, at=NOW, password=password)

    assert [a.email for a in accounts.all()] == ["taken@example.org"]


def test_a_new_password_ends_every_session_of_the_account(database, accounts):
    accounts.create("olga@example.org", ["ops"], at=NOW)
    before = uniquifier(database)

    made = accounts.set_password("olga@example.org", "a much better one", at=NOW)

    assert (made.password, made.roles) == ("a much better one", ("ops",))
    assert uniquifier(database) != before
    with pytest.raises(StaffAccountRefused):
        accounts.set_password("nobody@example.org", None, at=NOW)


def test_everything_about_accounts_is_journalled_without_the_password(database, accounts):
    accounts.create("olga@example.org", ["ops"], at=NOW, password="correct horse battery")
    accounts.set_password("olga@example.org", "staple correct horse", at=NOW)
    accounts.set_active("olga@example.org", is_active=False, at=NOW)

    with database.read() as connection:
        rows = connection.execute(select(JournalRow.__table__).order_by(JournalRow.id)).all()
    assert [row.action for row in rows] == [
        "create_staff",
        "set_staff_password",
        "close_staff_account",
    ]
    assert {row.subject for row in rows} == {"staff:olga@example.org"}
    assert "horse" not in str(rows)


def test_an_upgrade_brings_the_roles_up_to_this_release(database, accounts):
    accounts.ensure_roles()
    with database.tx() as connection:
        connection.execute(RoleRow.__table__.update().values(permissions=[]))

    accounts.ensure_roles()

    with database.read() as connection:
        stored = connection.execute(select(RoleRow.name, RoleRow.permissions)).all()
    assert {name: frozenset(permissions) for name, permissions in stored} == {
        name: frozenset(p.value for p in permissions)
        for name, permissions in ROLE_PERMISSIONS.items()
    }


def test_every_role_is_described_and_every_permission_is_given_to_somebody():
    assert ROLE_DESCRIPTIONS.keys() == ROLE_PERMISSIONS.keys()
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == frozenset(Permission)


def uniquifier(database):
    with database.read() as connection:
        return connection.scalar(select(StaffRow.fs_uniquifier))
