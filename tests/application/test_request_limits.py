"""Limits of requests: counted in the process, written down now and then, never in the way."""

from datetime import timedelta

import pytest

from payorch.application.request_limits import (
    CountedRequests,
    Limited,
    LimitRequestsUseCase,
    RequestLimit,
)
from payorch.domain.errors import LedgerUnavailable, TooManyRequests
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.request_counts import SqlAlchemyRequestCounts
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from tests.concurrency.database_watch import watching
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)
ANA = "ana@example.com"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def process(database, clock):
    """One more process with a limit of `most` a minute."""

    def a_process(most=20, counts=None):
        return LimitRequestsUseCase(
            counts or SqlAlchemyRequestCounts(LedgerTransactions(database, clock)),
            SecretKeyedHashes("secret"),
            clock,
            dict.fromkeys(Limited, RequestLimit(most, MINUTE)),
        )

    return a_process


def let_through(limits, tries, *, kind=Limited.CHECKOUT_EMAIL, whose=ANA):
    passed = 0
    for _ in range(tries):
        try:
            limits.count(kind, whose)
            passed += 1
        except TooManyRequests:
            continue
    return passed


def test_exactly_as_many_as_the_limit_pass_one_process(process):
    assert let_through(process(most=20), 50) == 20


def test_the_wait_is_told(process, clock):
    limits = process(most=20)
    let_through(limits, 20)
    clock.advance(seconds=20)

    with pytest.raises(TooManyRequests) as refused:
        limits.count(Limited.CHECKOUT_EMAIL, ANA)

    assert refused.value.retry_after_s == 40


def test_several_processes_share_a_limit_up_to_what_they_have_not_written_down(process):
    processes = [process(most=20) for _ in range(4)]

    passed = sum(let_through(one, 1) for _ in range(50) for one in processes)

    batch = RequestLimit(20, MINUTE).batch
    assert 20 <= passed <= 20 + len(processes) * batch


def test_a_new_window_begins_anew(process, clock):
    limits = process(most=20)
    let_through(limits, 30)
    clock.advance(seconds=61)

    assert let_through(limits, 30) == 20


def test_others_are_not_held_up(process):
    limits = process(most=20)
    let_through(limits, 30)

    assert let_through(limits, 5, whose="ben@example.com") == 5
    assert let_through(limits, 5, kind=Limited.API_KEY) == 5


def test_zero_is_no_limit(process):
    assert let_through(process(most=0), 500) == 500


def test_an_ordinary_customer_costs_no_statement(process, database):
    limits = process(most=60)

    with watching(database.engine) as seen:
        assert let_through(limits, 5) == 5

    assert seen.statements == []


def test_what_is_written_down_is_one_upsert_in_a_transaction_of_its_own(process, database):
    limits = process(most=60)
    let_through(limits, 6)

    with watching(database.engine) as seen:
        let_through(limits, 6)

    assert (len(seen.statements), seen.commits) == (1, 1)


def test_while_the_database_is_away_everybody_passes(process):
    class Away:
        def add(self, *_arguments, **_options):
            raise LedgerUnavailable("away")

    assert let_through(process(most=20, counts=Away()), 100) == 100


def test_one_that_is_over_costs_nothing_more(process, database):
    limits = process(most=20)
    let_through(limits, 20)

    with watching(database.engine) as seen:
        assert let_through(limits, 100) == 0

    assert seen.statements == []


def test_looking_does_not_count(process):
    limits = process(most=20)
    for _ in range(50):
        limits.refuse_if_over(Limited.LOOKUP_ADDRESS, "203.0.113.9")
    let_through(limits, 20, kind=Limited.LOOKUP_ADDRESS, whose="203.0.113.9")

    with pytest.raises(TooManyRequests):
        limits.refuse_if_over(Limited.LOOKUP_ADDRESS, "203.0.113.9")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.1.2.3"])
def test_this_machine_has_no_limit_as_an_address(process, address):
    limits = process(most=20)

    assert let_through(limits, 100, kind=Limited.CHECKOUT_ADDRESS, whose=address) == 100


def test_addresses_of_one_ipv6_network_are_one_sender(process):
    limits = process(most=20)
    let_through(limits, 20, kind=Limited.CHECKOUT_ADDRESS, whose="2a00:1450:4001:80b::1")

    assert (
        let_through(limits, 1, kind=Limited.CHECKOUT_ADDRESS, whose="2a00:1450:4001:80b:9::2") == 0
    )


def test_keys_that_are_over_make_room(process, clock, monkeypatch):
    monkeypatch.setattr("payorch.application.request_limits.MAX_REMEMBERED", 10)
    limits = process(most=60)

    for number in range(50):
        limits.count(Limited.CHECKOUT_EMAIL, f"guess{number}@example.com")

    assert len(limits._kept) <= 10


class CountsInMemory:
    def __init__(self):
        self.numbers = {}

    def add(self, key, number, *, window, at):
        self.numbers[key] = self.numbers.get(key, 0) + number
        return CountedRequests(self.numbers[key], at + window)


def test_the_key_does_not_give_away_whose_it_is(process):
    counts = CountsInMemory()
    let_through(process(most=1, counts=counts), 1)

    (key,) = counts.numbers
    assert len(key) == 64
    assert "ana" not in key
