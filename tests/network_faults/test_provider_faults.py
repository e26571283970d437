"""Ten payments through each ill of the network: what payorch concludes, how long it takes, and
that its books and the provider's agree once the network is well again.
"""

import socket
import time
from dataclasses import replace
from functools import partial

import pytest

from payorch.application.payment_result import ResultKind
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.gateways.http_transport import PooledTransport
from payorch.wiring import Seams
from tests.concurrency.racing import race
from tests.network_faults.jumping_clock import JumpingClock
from tests.network_faults.provider_faults import (
    CASES,
    HANGS_TIMEOUT_S,
    PATIENT_TIMEOUT_S,
    FirstOnly,
    LandsLate,
    drip,
    hang_in_the_handshake,
    reset_instead_of_the_answer,
    swallow_the_answer,
)
from tests.network_faults.settling import assert_books_agree, reconcile_until_quiet
from tests.network_faults.tcp_proxy import tcp_proxy
from tests.shop import Shop, a_method

PAYMENTS = 10
AT_ONCE = 5
"""Fewer calls than a circuit breaker needs to open: each payment has to meet the fault."""

FAR_TOO_LONG_S = 45.0
"""Without a total deadline the slowest faults take minutes, or for ever."""


class Detour:
    """A transport that reaches account alpha through the proxy, and everybody else directly."""

    def __init__(self, base_url: str, detour_url: str) -> None:
        self._direct, self._detour = f"{base_url}/alpha/", f"{detour_url}/alpha/"
        self._transport = PooledTransport()

    def exchange(self, request, *, timeout_s):
        url = request.url.replace(self._direct, self._detour)
        return self._transport.exchange(replace(request, url=url), timeout_s=timeout_s)


@pytest.fixture
def proxy(sandbox):
    address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
    with tcp_proxy(partial(socket.create_connection, address, timeout=60)) as running:
        yield running


@pytest.fixture
def clock():
    return JumpingClock()


@pytest.fixture
def open_shop(database, sandbox, proxy, clock):
    """Alpha behind the proxy comes first, then beta, who is always well."""

    def shop(*, timeout_s, is_https=False, is_first=True, **settings):
        detour = proxy.url.replace("http:", "https:") if is_https else proxy.url
        methods = [a_method("alpha", timeout_s=timeout_s), a_method("beta", timeout_s=15.0)]
        return Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=methods if is_first else [],
            seams=Seams(
                clock=clock,
                transport=Detour(sandbox.base_url, detour),
                uses_database_clock=False,
            ),
            **{"page_budget_s": 0.0, "submission_deadline_s": 40.0, **settings},
        )

    return shop


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The database is well here and does not matter; test_database_faults.py is its own."""


@only_sqlite
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ten_payments_through_an_ill_network(case, open_shop, sandbox, proxy):
    shop = open_shop(timeout_s=case.timeout_s, is_https=case.is_https)
    other_process = open_shop(timeout_s=case.timeout_s, is_https=case.is_https, is_first=False)
    orders = [shop.order().id for _ in range(PAYMENTS)]

    case.spoils(proxy)
    began = time.monotonic()
    for one, some in ((shop, orders[:AT_ONCE]), (other_process, orders[AT_ONCE:])):
        results = race(*[partial(one.pay, order_id) for order_id in some])
        assert {type(result).__name__ for result in results} == {"PaymentResult"}
    elapsed_s = time.monotonic() - began

    assert elapsed_s < FAR_TOO_LONG_S
    for order_id in orders:
        first, *others = shop.view(order_id).transactions
        assert (first.provider_code, first.status, {first.technical_reason}) == (
            *("alpha", case.status),
            {first.technical_reason} & case.reasons,
        )
        # Another provider was asked exactly when it was proved that the first one has nothing.
        expected = [("beta", "approved")] if case.status == "not_sent" else []
        assert [(other.provider_code, other.status) for other in others] == expected

    proxy.heal()
    reconcile_until_quiet(shop)

    assert_books_agree(sandbox, shop, orders)
    is_paid = case.is_charged or case.status == "not_sent"
    statuses = {shop.view(order_id).order.status for order_id in orders}
    assert statuses == {PaymentStatus.PAID if is_paid else PaymentStatus.FAILED}


@only_sqlite
@pytest.mark.parametrize("lands_first", [True, False], ids=["before the look", "after the look"])
def test_requests_that_land_after_everybody_gave_up_charge_at_most_once(
    lands_first, open_shop, sandbox, proxy, clock
):
    shop = open_shop(timeout_s=HANGS_TIMEOUT_S)
    orders = [shop.order().id for _ in range(AT_ONCE)]
    late = LandsLate()
    proxy.suffer(late)
    race(*[partial(shop.pay, order_id) for order_id in orders])
    late.wait_until_kept(AT_ONCE)
    assert sandbox.ledger()["payments"] == []

    # A proxy of its own for the lookups: healing this one would drop what it keeps.
    direct = Shop(
        shop.database,
        sandbox_url=sandbox.base_url,
        methods=[],
        seams=Seams(clock=clock, uses_database_clock=False),
    )
    if lands_first:
        late.land()
        wait_for_payments(sandbox, AT_ONCE)
    reconcile_until_quiet(direct)
    late.land()
    proxy.close()

    expected = PaymentStatus.PAID if lands_first else PaymentStatus.FAILED
    assert {shop.view(order_id).order.status for order_id in orders} == {expected}
    assert_books_agree(sandbox, shop, orders)


def wait_for_payments(sandbox, number) -> None:
    give_up_at = time.monotonic() + 30
    while len(sandbox.ledger()["payments"]) < number:
        assert time.monotonic() < give_up_at


@only_sqlite
@pytest.mark.parametrize(
    "fault", [drip, swallow_the_answer, hang_in_the_handshake], ids=lambda f: f.__name__
)
def test_a_submission_ends_at_its_own_deadline_whatever_its_providers_allow(
    fault, open_shop, proxy
):
    """The provider's own time-out would let each of these take ten minutes."""
    shop = open_shop(
        timeout_s=600.0, submission_deadline_s=1.5, is_https=fault is hang_in_the_handshake
    )
    proxy.suffer(fault)

    began = time.monotonic()
    shop.pay()

    assert 1.0 < time.monotonic() - began < FAR_TOO_LONG_S


@only_sqlite
def test_a_network_that_recovers_while_the_customer_waits_gives_her_the_answer(
    open_shop, sandbox, proxy
):
    shop = open_shop(timeout_s=PATIENT_TIMEOUT_S, page_budget_s=12.0)
    recovering = FirstOnly(reset_instead_of_the_answer)
    proxy.suffer(recovering)

    result = shop.pay()

    assert result.kind is ResultKind.PAID
    assert recovering.hits > 1
    assert_books_agree(sandbox, shop, [result.order_id])
