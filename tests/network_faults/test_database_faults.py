"""The connection to PostgreSQL is cut at each message of a payment: the payment ends as the
provider's ledger has it, and no provider is ever called a second time for it.
"""

import gc
import socket
import threading
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.config import Settings
from payorch.domain.errors import LedgerUnavailable, PaymentInProgress
from payorch.domain.payment_status import PaymentStatus
from payorch.factory import _engine_options
from payorch.infrastructure.gateways.http_transport import PooledTransport
from payorch.infrastructure.persistence.bounded_connection import ANSWERS_WITHIN_S
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.wiring import Seams
from tests.network_faults.database_faults import INTENT, OUTCOME, Conversation, CutsEvery
from tests.network_faults.jumping_clock import JumpingClock
from tests.network_faults.settling import assert_books_agree, reconcile_until_quiet
from tests.network_faults.tcp_proxy import Wire, tcp_proxy
from tests.shop import Shop, a_card, a_method, a_payment, an_order

FALLS_BACK = "4300000000000017"
HARD_DECLINED = "4000000000000416"


class CountingTransport:
    """Counts the charge requests of each reference: the number that must never be two."""

    def __init__(self) -> None:
        self.charges: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._transport = PooledTransport()

    def exchange(self, request, *, timeout_s):
        if key := request.headers.get("Idempotency-Key"):
            with self._lock:
                self.charges[key] += 1
        return self._transport.exchange(request, timeout_s=timeout_s)


@pytest.fixture
def postgresql_url(postgresql):
    return make_url(postgresql.new_database_url())


@pytest.fixture
def proxy(postgresql_url):
    folder = postgresql_url.query["host"]

    def dial():
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{folder}/.s.PGSQL.5432")
        return server

    with tcp_proxy(dial) as running:
        yield running


@pytest.fixture
def database(postgresql_url, proxy):
    """A database whose every connection goes through the proxy."""
    with through(proxy, postgresql_url) as opened:
        yield opened


@contextmanager
def through(proxy, url, **connect_args):
    url = url.set(host="127.0.0.1", port=proxy.port, query={"sslmode": "disable"})
    engine = create_engine(url, connect_args=connect_args)
    prepare_engine(engine)
    try:
        yield Database(engine)
    finally:
        engine.dispose()


@pytest.fixture
def transport():
    return CountingTransport()


@pytest.fixture
def shop(database, sandbox, transport):
    """A shop that has paid before: its configuration is in memory, its statements compiled."""
    opened = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", timeout_s=15.0), a_method("beta", timeout_s=15.0)],
        seams=Seams(clock=JumpingClock(), transport=transport, uses_database_clock=False),
    )
    opened.pay()
    return opened


def suffer(shop, proxy, fault) -> None:
    """Changing the fault ends all connections; the pool is not to find that out one by one."""
    proxy.suffer(fault)
    shop.database.engine.dispose()


def heal(shop, proxy) -> None:
    suffer(shop, proxy, Wire.pass_on)


def messages_of_a_payment(shop, proxy, card) -> int:
    listening = Conversation()
    suffer(shop, proxy, listening)
    assert isinstance(press(shop, "counted", card), PaymentResult)
    return listening.messages


def press(shop, key, card):
    """One request to pay a new order, as the API makes it: its result, or the refusal."""
    new_order = an_order(idempotency_key=f"api:{key}", request_hash=key)
    command = a_payment(
        idempotency_key=f"api:{key}", request_hash=key, new_order=new_order, instrument=a_card(card)
    )
    try:
        return shop.services.pay_order.execute(command)
    except (LedgerUnavailable, PaymentInProgress) as refusal:
        return refusal


def orders_of(database) -> list[str]:
    with database.read() as connection:
        return list(connection.exec_driver_sql("SELECT public_id FROM orders").scalars())


CARDS = {"approved": "4242424242424242", "fallback": FALLS_BACK, "declined": HARD_DECLINED}
CUTS = {
    f"{name}, {when}": (card, after_reply)
    for name, card in CARDS.items()
    for when, after_reply in (("before it arrives", False), ("reply lost", True))
}


@pytest.mark.parametrize("how", CUTS.values(), ids=CUTS)
def test_a_cut_at_any_message_leaves_one_charge_or_none_and_no_second_call(
    how, shop, sandbox, proxy, transport
):
    card, after_reply = how
    total = messages_of_a_payment(shop, proxy, card)
    # The connection is made, then: declines, intent, outcome.
    assert total >= 4
    for place in range(1, total + 1):
        cut = Conversation(place, after_reply=after_reply)
        suffer(shop, proxy, cut)

        first = press(shop, f"cut-{place}", card)

        assert cut.has_cut, place
        if isinstance(first, LedgerUnavailable):
            # "Nothing was sent" is what the customer is told then: it has to be true.
            assert_nothing_was_sent(shop, sandbox, f"api:cut-{place}")
        heal(shop, proxy)
        reconcile_until_quiet(shop)
        again = press(shop, f"cut-{place}", card)
        assert isinstance(again, PaymentResult), (place, again)
        if isinstance(first, PaymentResult) and first.kind is not ResultKind.CONFIRMING:
            assert again.kind is first.kind, place

    assert set(transport.charges.values()) == {1}
    reconcile_until_quiet(shop)
    assert_books_agree(sandbox, shop, orders_of(shop.database))


def assert_nothing_was_sent(shop, sandbox, key) -> None:
    with shop.database.read() as connection:
        references = connection.exec_driver_sql(
            "SELECT t.public_id FROM transactions t JOIN submissions s ON s.id = t.submission_id"
            " WHERE s.idempotency_key = %s",
            (key,),
        ).scalars()
        ours = set(references)
    assert not [p for p in sandbox.ledger()["payments"] if p["reference"] in ours]


@pytest.mark.parametrize("after_reply", [False, True], ids=["before it", "its reply lost"])
def test_a_cut_at_the_commit_of_the_outcome_still_tells_the_customer_the_truth(
    after_reply, shop, sandbox, proxy, transport
):
    for number in range(10):
        cut = Conversation(1, only=OUTCOME, after_reply=after_reply)
        suffer(shop, proxy, cut)

        result = press(shop, f"outcome-{number}", "4242424242424242")

        assert cut.has_cut
        assert result.kind is ResultKind.PAID
        assert shop.view(result.order_id).order.status is PaymentStatus.PAID

    assert set(transport.charges.values()) == {1}
    assert_books_agree(sandbox, shop, orders_of(shop.database))


def test_a_cut_at_the_commit_of_the_intent_sends_nothing(shop, sandbox, proxy, transport):
    """The reply to it is lost: the intent stands in the books, and nobody calls for it."""
    calls_before = sum(transport.charges.values())
    for number in range(10):
        cut = Conversation(1, only=INTENT, after_reply=True)
        suffer(shop, proxy, cut)

        refusal = press(shop, f"intent-{number}", "4242424242424242")

        assert cut.has_cut
        assert isinstance(refusal, LedgerUnavailable)
        # The same key, at once: somebody may be at work on it, so nobody else starts.
        assert isinstance(press(shop, f"intent-{number}", "4242424242424242"), PaymentInProgress)

    assert sum(transport.charges.values()) == calls_before
    heal(shop, proxy)
    reconcile_until_quiet(shop)
    assert press(shop, "intent-0", "4242424242424242").kind is ResultKind.NOT_CHARGED
    assert_books_agree(sandbox, shop, orders_of(shop.database))


@pytest.fixture
def hasty_shop(postgresql_url, proxy, sandbox, transport):
    """Like `shop`, on connections that wait half a second for an answer."""
    with through(proxy, postgresql_url, **{ANSWERS_WITHIN_S: 0.5}) as database:
        opened = Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=[a_method("alpha", timeout_s=15.0)],
            seams=Seams(clock=JumpingClock(), transport=transport, uses_database_clock=False),
        )
        opened.pay()
        yield opened


STALLS = {
    f"{name}, {when}": (statement, after_reply)
    for name, statement in (("intent", INTENT), ("outcome", OUTCOME))
    for when, after_reply in (("before it arrives", False), ("reply lost", True))
}


@pytest.mark.parametrize("how", STALLS.values(), ids=STALLS)
def test_a_database_that_falls_silent_holds_no_thread_and_costs_no_truth(
    how, hasty_shop, sandbox, proxy, transport
):
    statement, after_reply = how
    stall = Conversation(1, only=statement, after_reply=after_reply, stalls=True)
    suffer(hasty_shop, proxy, stall)

    first = press(hasty_shop, "stalled", "4242424242424242")

    assert stall.has_cut
    if statement == OUTCOME:
        # It was written again over a new connection, or had been written after all.
        assert first.kind is ResultKind.PAID
    else:
        assert isinstance(first, LedgerUnavailable)
        assert_nothing_was_sent(hasty_shop, sandbox, "api:stalled")
    heal(hasty_shop, proxy)
    reconcile_until_quiet(hasty_shop)
    assert isinstance(press(hasty_shop, "stalled", "4242424242424242"), PaymentResult)
    assert set(transport.charges.values()) == {1}
    assert_books_agree(sandbox, hasty_shop, orders_of(hasty_shop.database))


def test_the_web_and_the_workers_wait_longer_than_the_server_lets_a_statement_run():
    options = _engine_options(Settings(database_url="postgresql+psycopg://x@h/x"))["connect_args"]

    assert "statement_timeout=30000" in options["options"]
    assert options[ANSWERS_WITHIN_S] > 30


def test_payments_at_once_through_a_connection_that_is_cut_all_the_time(
    shop, sandbox, proxy, transport
):
    """Every fourth message, on whichever connection: eight customers press until they know."""
    cuts = CutsEvery(4)
    suffer(shop, proxy, cuts)

    def buy(name):
        for _ in range(20):
            # What broke outside the ledger is the page's 503: the customer tries again.
            with suppress(Exception):
                outcome = press(shop, name, "4242424242424242")
                if isinstance(outcome, PaymentResult) and outcome.kind is ResultKind.PAID:
                    return

    threads = [threading.Thread(target=buy, args=[f"customer-{n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    # Threads that share connections make fewer of them: more customers come, one by one.
    for number in range(len(threads), 40):
        if cuts.number >= len(threads) // 2:
            break
        buy(f"customer-{number}")
    assert cuts.number >= len(threads) // 2
    heal(shop, proxy)
    reconcile_until_quiet(shop)

    assert set(transport.charges.values()) == {1}
    assert_books_agree(sandbox, shop, orders_of(shop.database))


def test_a_database_that_swallows_connections_is_given_up_soon(proxy):
    """The kernel alone would try for two minutes, and each thread of the process with it."""
    proxy.swallow_connections()
    url = f"postgresql+psycopg://x@127.0.0.1:{proxy.port}/x?sslmode=disable"
    engine = create_engine(url, **_engine_options(Settings(database_url=url)))
    prepare_engine(engine)

    began = time.monotonic()
    with pytest.raises(OperationalError):
        engine.connect()

    assert time.monotonic() - began < 40


def test_a_connection_whose_pool_went_away_ends_without_a_warning(postgresql_url):
    """Warnings are errors here, those of the garbage collector too."""
    url = postgresql_url.render_as_string(hide_password=False)
    engine = create_engine(url, **_engine_options(Settings(database_url=url)))
    prepare_engine(engine)
    connection = engine.connect()
    raw = connection.connection.dbapi_connection
    engine.dispose()

    connection.close()
    is_open = not raw.closed
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del engine, connection, raw
        gc.collect()

    assert is_open
    assert [str(it.message) for it in caught] == []
