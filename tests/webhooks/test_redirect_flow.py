"""3-D Secure and redirects over HTTP, with the practice provider's own events.

Whatever the customer does, and whatever the address says that she comes back with: the order is
paid exactly when the provider has charged.
"""

from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest

from payorch.application.resolve_transaction import ABANDONED_AFTER
from payorch.infrastructure.persistence.tables import EvidenceRow
from tests.concurrency.racing import race
from tests.shop import a_card, a_method
from tests.webhooks.challenge import press
from tests.webhooks.events import event_rows, rows
from tests.webhooks.live_shop import live_shop, wait_until

CHALLENGE = "4200000000000018"
CHALLENGE_THEN_DECLINED = "4200000000000042"
PENDING_THEN_APPROVED = "4200000000000026"
PENDING_THEN_DECLINED = "4200000000000034"


@pytest.fixture
def live(database_url, sandbox):
    with live_shop(database_url, sandbox) as shop:
        yield shop


@pytest.fixture
def live_without_events(sqlite_files, sandbox):
    with live_shop(sqlite_files.new_database_url(), sandbox, with_events=False) as shop:
        yield shop


@pytest.fixture
def live_with_events(sqlite_files, sandbox):
    with live_shop(sqlite_files.new_database_url(), sandbox) as shop:
        yield shop


def sent_away(shop, card=CHALLENGE):
    """A customer on the provider's page: her order, and the page's address."""
    paid = shop.pay(card)
    assert paid["result"] == "action_required"
    return paid["order"], paid["redirect_url"]


def approved_payments(sandbox, order):
    references = {transaction["id"] for transaction in order["transactions"]}
    return [
        payment
        for payment in sandbox.ledger()["payments"]
        if payment["reference"] in references and payment["status"] == "approved"
    ]


def with_query(url, **query):
    return urlunsplit(urlsplit(url)._replace(query=urlencode(query)))


def test_approve_and_come_back(live_without_events, sandbox):
    shop = live_without_events
    order, page = sent_away(shop)

    status, where = shop.get(press("approve", page))

    assert (status, where) == (303, urlsplit(order["status_url"]).path)
    assert shop.order_status(order["id"]) == "paid"
    assert "Thank you" in shop.get(order["status_url"])[1]
    assert len(approved_payments(sandbox, order)) == 1


@pytest.mark.parametrize(
    ("card", "decision"), [(CHALLENGE, "decline"), (CHALLENGE_THEN_DECLINED, "approve")]
)
def test_refuse_and_come_back(live_without_events, sandbox, card, decision):
    shop = live_without_events
    order, page = sent_away(shop, card)

    shop.get(press(decision, page))

    assert shop.order_status(order["id"]) == "failed"
    assert "Thank you" not in shop.get(order["status_url"])[1]
    assert approved_payments(sandbox, order) == []


def test_approve_and_close_the_tab(live, sandbox):
    order, page = sent_away(live)

    press("approve", page)

    live.wait_for_status(order["id"], "paid")
    assert len(approved_payments(sandbox, order)) == 1


def test_refuse_and_close_the_tab(live, sandbox):
    order, page = sent_away(live)

    press("decline", page)

    live.wait_for_status(order["id"], "failed")
    assert approved_payments(sandbox, order) == []


@pytest.mark.parametrize(
    ("card", "ends_as"), [(PENDING_THEN_APPROVED, "paid"), (PENDING_THEN_DECLINED, "failed")]
)
def test_a_payment_that_settles_later_ends_with_its_event(live_with_events, sandbox, card, ends_as):
    shop = live_with_events
    sandbox.patch_profile("alpha", pending_settles_after_s=0.5)

    paid = shop.pay(card)

    shop.wait_for_status(paid["order"]["id"], ends_as)
    assert len(approved_payments(sandbox, paid["order"])) == (1 if ends_as == "paid" else 0)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "success"},
        {"status": "approved"},
        {
            "status": "paid",
            "payment": "alpha_pay_1",
            "result": "ok",
            "redirect_status": "succeeded",
        },
    ],
)
def test_coming_back_with_a_faked_success_pays_nothing(live_without_events, sandbox, query):
    shop = live_without_events
    order, _ = sent_away(shop)

    for _ in range(3):
        shop.get(with_query(f"{order['status_url']}/return", **query))
        shop.get(with_query(order["status_url"], **query))

    assert shop.order_status(order["id"]) == "processing"
    page = shop.get(order["status_url"])[1]
    assert "One step is left" in page
    assert "Thank you" not in page
    assert approved_payments(sandbox, order) == []


def test_the_faked_link_of_the_practice_page_pays_nothing(live_without_events, sandbox):
    shop = live_without_events
    order, page = sent_away(shop)
    _, html = shop.get(page)
    (faked,) = [
        part.split('"')[0].replace("&amp;", "&")
        for part in html.split('href="')
        if "status=success" in part.split('"')[0]
    ]

    shop.get(faked)

    assert shop.order_status(order["id"]) == "processing"
    assert "Thank you" not in shop.get(order["status_url"])[1]


def test_a_faked_failure_does_not_lose_a_payment(live_without_events, sandbox):
    shop = live_without_events
    order, page = sent_away(shop)
    press("approve", page)

    shop.get(with_query(f"{order['status_url']}/return", status="failed", error="declined"))

    assert shop.order_status(order["id"]) == "paid"


def test_coming_back_twice_at_once_while_the_event_arrives(live, sandbox):
    order, page = sent_away(live)
    back = press("approve", page)

    answers = race(*[lambda: live.get(back)] * 4)

    assert {status for status, _ in answers} == {303}
    live.wait_for_status(order["id"], "paid")
    wait_until(
        lambda: all(e.state.value in {"applied", "no_change"} for e in event_rows(live.database)),
        lambda: event_rows(live.database),
    )
    assert len(approved_payments(sandbox, order)) == 1
    assert sum(row.was_applied for row in rows(live.database, EvidenceRow)) == 1


def test_coming_back_long_after_it_is_paid_changes_nothing(live_without_events, sandbox):
    shop = live_without_events
    order, page = sent_away(shop)
    back = press("approve", page)
    shop.get(back)

    for _ in range(2):
        assert shop.get(back)[0] == 303

    assert shop.order_status(order["id"]) == "paid"
    assert len(approved_payments(sandbox, order)) == 1


def test_a_customer_who_never_decides_is_let_go_and_the_payment_is_closed_at_the_provider(
    shop_with, sandbox, clock
):
    """No event comes of a closed tab: the rule for abandoned pages ends it, and frees the order."""
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    attempt = shop.view(result.order_id).last
    clock.advance(seconds=ABANDONED_AFTER.total_seconds() + 60)

    shop.wired.reconcile.execute()
    (payment,) = sandbox.payments_of(attempt.id)
    shop.tell(shop.event(of=payment))

    assert payment["status"] == "cancelled"
    assert shop.statuses(result.order_id) == [("alpha", "abandoned")]
    assert shop.states() == ["no_change"]
    assert shop.pay(result.order_id).kind.value == "paid"


def test_the_provider_lies_and_repeats_itself_and_the_books_agree_all_the_same(live, sandbox):
    """Forged, doubled, late, stale and reordered events: what counts is what the provider says."""
    faults = dict.fromkeys(("duplicate", "reorder", "forge", "stale"), 0.5)
    for account in ("alpha", "beta"):
        sandbox.patch_profile(
            account,
            webhook_faults=faults,
            webhook_reorder_s=0.5,
            webhook_retry_after_s=[0.2, 0.5, 1.0],
        )
    cards = ["4242424242424242", CHALLENGE, "4300000000000017", "4000000000000515"] * 3
    orders = []
    for number, card in enumerate(cards):
        paid = live.pay(card)
        orders.append(paid["order"])
        if paid["result"] == "action_required" and number % 3:
            press("approve" if number % 2 else "decline", paid["redirect_url"])

    wait_until(
        lambda: (
            sandbox.admin("GET", "/stats").get("webhooks_waiting", 0) == 0
            and all(e.state.value in {"applied", "no_change"} for e in event_rows(live.database))
        ),
        lambda: event_rows(live.database),
    )

    counts = live.wired.events.counts.snapshot()
    assert {"received", "duplicate", "bad_signature", "too_old"} <= {r for _, r in counts}
    for order in orders:
        charged = approved_payments(sandbox, order)
        assert len(charged) <= 1
        assert (live.order_status(order["id"]) == "paid") == bool(charged)
