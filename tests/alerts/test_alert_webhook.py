"""Alerts to a webhook: signed, under one id, and sent again until they are taken."""

import base64
import hashlib
import hmac
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from payorch.application.jobs import ALERT_STAFF, Job, RetryLater
from payorch.application.staff_alerts import AlertNotTaken, alert_job
from payorch.config import InvalidSettings, Settings
from payorch.infrastructure.alert_webhook import SignedAlertWebhook
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop, a_method

SECRET = "whsec_" + base64.b64encode(b"a key that nobody else knows").decode()


class Receiver:
    """`statuses` are answered one after the other; the last one stays."""

    def __init__(self, statuses):
        self.statuses = list(statuses)
        self.requests = []
        self.url = ""


@contextmanager
def receiving(*statuses, location=None):
    receiver = Receiver(statuses or [204])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            is_last = len(receiver.statuses) == 1
            self.send_response(receiver.statuses[0] if is_last else receiver.statuses.pop(0))
            if location is not None:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_shop(database, sandbox, url):
    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(FakeClock()),
        alert_webhook_url=url,
        alert_webhook_secret=SECRET,
    )


def tell(shop):
    job = alert_job("review_entered", {"order": "po_1"}, at=shop.services.clock.now())
    shop.wired.handlers[ALERT_STAFF.name](Job(1, ALERT_STAFF.name, job.payload, attempts=1))


def test_an_alert_is_posted_with_a_signature_that_the_receiver_can_check(database, sandbox):
    with receiving(204) as receiver:
        tell(a_shop(database, sandbox, receiver.url))

    ((headers, body),) = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body) == {"type": "alert.review_entered", "data": {"order": "po_1"}}


def test_what_is_not_taken_is_sent_again_under_the_same_id_and_mailed_once(database, sandbox):
    with receiving(500, 204) as receiver:
        shop = a_shop(database, sandbox, receiver.url)
        with pytest.raises(RetryLater, match="answered 500"):
            tell(shop)
        tell(shop)

    first, second = (headers["webhook-id"] for headers, _ in receiver.requests)
    assert first == second


def test_a_redirect_is_not_followed():
    with (
        receiving(204) as elsewhere,
        receiving(307, location=elsewhere.url) as receiver,
        pytest.raises(AlertNotTaken, match="answered 307"),
    ):
        SignedAlertWebhook(receiver.url, SECRET, FakeClock(), may_be_private=True)("id", "name", {})

    assert elsewhere.requests == []


def test_a_receiver_that_is_away_is_tried_later():
    with receiving() as receiver:
        url = receiver.url

    with pytest.raises(AlertNotTaken, match="no answer"):
        SignedAlertWebhook(url, SECRET, FakeClock(), may_be_private=True)("id", "name", {})


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"PAYORCH_ALERT_WEBHOOK_URL": "ftp://example.org"}, "must start with http"),
        ({"PAYORCH_ALERT_WEBHOOK_URL": "https://example.org"}, "SECRET of at least 16"),
        ({"PAYORCH_ALERT_WEBHOOK_SECRET": "whsec_not base64 at all"}, "followed by base64"),
        (
            {"PAYORCH_ENV": "production", "PAYORCH_ALERT_WEBHOOK_URL": "http://example.org"},
            "PAYORCH_ALERT_WEBHOOK_URL must be https",
        ),
    ],
)
def test_a_webhook_that_cannot_be_safe_is_refused_at_the_start(variables, problem):
    secret = {"PAYORCH_ALERT_WEBHOOK_URL": "https://example.org"} if len(variables) == 1 else {}

    with pytest.raises(InvalidSettings, match=problem):
        Settings.from_env(secret | variables)
