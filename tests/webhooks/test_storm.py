"""A storm of events, most of them forged, while customers pay: they notice nothing of it."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

from tests.webhooks.events import Event, a_payment_object, event_rows
from tests.webhooks.live_shop import live_shop

SENDERS = 6
EVENTS_PER_SENDER = 30
PAYMENTS = 12


def an_event(number, **fields):
    data = a_payment_object(f"pa_of_nobody_{number}")
    return Event(**{"data": data, "at": int(time.time())} | fields)


def send(shop, sender):
    """One sender's events by turns: forged, stale, too long, unreadable, and genuine orphans."""
    kinds = itertools.cycle(
        (
            lambda number: an_event(number, secret="guessed"),
            lambda number: an_event(number, at=int(time.time()) - 3600),
            lambda number: an_event(number, type="x" * 300_000),
            lambda number: an_event(number, account="beta", secret="practice_whsec_alpha"),
            an_event,
        )
    )
    statuses = []
    for number, kind in zip(range(EVENTS_PER_SENDER), kinds, strict=False):
        event = kind(f"{sender}_{number}")
        statuses.append(shop.post_event("alpha", event.headers, event.body))
    return statuses


def test_a_storm_of_events_does_not_disturb_a_payment(database_url, sandbox):
    with live_shop(database_url, sandbox, with_events=False) as shop:
        with ThreadPoolExecutor(SENDERS + 2) as pool:
            storm = [pool.submit(send, shop, sender) for sender in range(SENDERS)]
            payments = list(pool.map(shop.pay, ["4242424242424242"] * PAYMENTS))
            statuses = [status for sender in storm for status in sender.result()]

        assert [payment["result"] for payment in payments] == ["paid"] * PAYMENTS
        # All come from one address: its forged events are limited, its genuine ones are not.
        assert sorted(set(statuses)) == [200, 401, 413, 429]
        genuine = SENDERS * EVENTS_PER_SENDER // 5
        assert statuses.count(200) == genuine
        assert len(event_rows(shop.database)) == genuine

    charged = [p for p in sandbox.ledger()["payments"] if p["status"] == "approved"]
    assert len(charged) == PAYMENTS


def test_a_forged_approval_charges_nothing_and_says_nothing(sqlite_files, sandbox):
    """Somebody knows the order, the payment's ids and the format - everything but the secret."""
    with live_shop(sqlite_files.new_database_url(), sandbox, with_events=False) as shop:
        paid = shop.pay("4200000000000018")
        order = paid["order"]
        (payment,) = sandbox.payments_of(order["transactions"][0]["id"])
        claim = {**payment, "status": "approved", "captured_amount": payment["amount"]}
        ledger = sandbox.ledger()

        statuses = {
            shop.post_event("alpha", event.headers, event.body)
            for event in (
                Event(data=claim, at=int(time.time()), secret=secret)
                for secret in ("guessed", "practice_whsec_beta", "whsec_")
            )
        }

        assert statuses == {401}
        assert event_rows(shop.database) == []
        assert shop.order_status(order["id"]) == "processing"
        assert "One step is left" in shop.get(order["status_url"])[1]
        assert sandbox.ledger() == ledger
