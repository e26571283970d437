"""An answer of a passkey that arrives many times at the same moment counts once."""

import json
from datetime import UTC, datetime

from payorch.application.passkeys import PasskeysUseCase
from payorch.domain.login_errors import PasskeyRefused
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.passkeys import SqlAlchemyPasskeys
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.security.webauthn_ceremony import WebAuthnCeremony
from tests.concurrency.racing import race
from tests.concurrency.test_racing_codes import OLGA, factors
from tests.databases import open_database
from tests.fakes import FakeClock
from tests.presentation.backoffice.office import PASSWORD, QUICK_HASHER
from tests.soft_passkey import ORIGIN, SoftPasskey

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIES = 12
SESSION = "ss_1"


def passkeys(database, clock):
    return PasskeysUseCase(
        SqlAlchemyPasskeys(LedgerTransactions(database, clock)),
        WebAuthnCeremony(ORIGIN, name="tests"),
        factors(database, clock),
        clock,
    )


def registered(use_case, *devices):
    for number, device in enumerate(devices):
        asked = json.loads(use_case.options_to_register(OLGA, session=SESSION))
        use_case.register(
            OLGA, f"Device {number}", device.created(asked), session=SESSION, keep_session=None
        )


def test_an_answer_lets_in_one_of_many(database, database_url):
    clock, device = FakeClock(), SoftPasskey()
    StaffAccounts(database, QUICK_HASHER).create(OLGA, ["ops"], at=NOW, password=PASSWORD)
    use_case = passkeys(database, clock)
    registered(use_case, device)
    asked = json.loads(use_case.options_to_use(OLGA, session=SESSION))
    # A count that stays, as that of a synchronized passkey: nothing but the challenge tells.
    answer = device.used(asked, counts=0)

    def attempt():
        with open_database(database_url) as own:
            return passkeys(own, clock).check(OLGA, answer, session=SESSION)

    used = race(*[attempt] * TRIES)

    assert sorted(used) == [False] * (TRIES - 1) + [True]


def test_of_the_last_two_one_stays_however_they_are_removed(database, database_url):
    clock = FakeClock()
    StaffAccounts(database, QUICK_HASHER).create(OLGA, ["ops"], at=NOW, password=PASSWORD)
    use_case = passkeys(database, clock)
    registered(use_case, SoftPasskey(), SoftPasskey())
    ids = [one.public_id for one in factors(database, clock).state(OLGA).passkeys]

    def removal(public_id):
        with open_database(database_url) as own:
            return passkeys(own, clock).remove(OLGA, public_id, keep_session=None)

    done = race(*[lambda public_id=one: removal(public_id) for one in ids])

    assert [type(one) for one in sorted(done, key=str)].count(PasskeyRefused) == 1
    assert done.count(True) == 1
    assert len(factors(database, clock).state(OLGA).passkeys) == 1
