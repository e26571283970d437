"""A code that arrives many times at the same moment counts once."""

from datetime import UTC, datetime

from payorch.application.second_factor import FactorUsed, SecondFactorsUseCase
from payorch.domain.one_time_code import code_of, step_at
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.second_factors import SqlAlchemySecondFactors
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.security.factor_chance import RandomFactorChance
from payorch.infrastructure.security.sealed_secrets import AesSecretBox
from tests.concurrency.racing import race
from tests.databases import open_database
from tests.fakes import FakeClock
from tests.presentation.backoffice.office import PASSWORD, QUICK_HASHER

OLGA = "olga@example.org"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIES = 12


def factors(database, clock):
    return SecondFactorsUseCase(
        SqlAlchemySecondFactors(LedgerTransactions(database, clock)),
        AesSecretBox("k" * 40, purpose="tests"),
        RandomFactorChance(),
        clock,
        is_required=True,
    )


def test_each_code_lets_in_one_of_many(database, database_url):
    clock = FakeClock()
    StaffAccounts(database, QUICK_HASHER).create(OLGA, ["ops"], at=NOW, password=PASSWORD)
    use_case = factors(database, clock)
    draft = use_case.draft(OLGA)
    first = code_of(draft.secret, step_at(clock.now()))
    recovery_code, *_ = use_case.enrol(OLGA, draft, first, keep_session=None, replaces=False)
    clock.advance(minutes=5)
    code = code_of(draft.secret, step_at(clock.now()))

    def attempt(typed):
        # Each with a connection of its own, as processes have.
        with open_database(database_url) as own:
            return factors(own, clock).check(OLGA, typed)

    used = race(*[lambda typed=t: attempt(typed) for t in (code, recovery_code) * TRIES])

    assert used.count(FactorUsed.CODE) == 1
    assert used.count(FactorUsed.RECOVERY_CODE) == 1
    assert used.count(None) == 2 * TRIES - 2
