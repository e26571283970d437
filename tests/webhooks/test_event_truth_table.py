"""Every way in which an event may be wrong, over HTTP: taken only when all of it is right (T12)."""

import base64
import itertools
import json
from io import BytesIO

import pytest

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.security.sender_limit import SenderLimit
from tests.fakes import FakeClock, fake_time
from tests.shop import a_method, seed
from tests.webhooks.events import Event, a_payment_object, event_rows, job_rows, signed

NEW_SECRET = "whsec_" + base64.b64encode(b"a new secret of 32 bytes or more").decode()
NEW_KEY = b"a new secret of 32 bytes or more"


class Site:
    def __init__(self, database_url, **settings):
        self.clock = FakeClock()
        self._senders = itertools.count(1)
        self.app = create_app(
            Settings(database_url=database_url, sandbox_url="http://127.0.0.1:9", **settings),
            fake_time(self.clock),
        )
        self.database = wired(self.app).database
        seed(
            self.database, [a_method("alpha"), a_method("beta"), a_method("off", is_enabled=False)]
        )

    @property
    def now(self):
        return int(self.clock.now().timestamp())

    def event(self, **fields):
        data = fields.pop("data", None) or a_payment_object("pa_1")
        return Event(**{"data": data, "at": self.now} | fields)

    def post(self, event, path="/webhooks/alpha", *, body=None, sender=None, **headers):
        """Posts an event; `headers` replace its own, and None leaves one out.

        Each comes from an address of its own, so that no test uses up the limit of another.
        """
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {k: v for k, v in {**event.headers, **changed}.items() if v is not None}
        return self.app.test_client().post(
            path,
            data=event.body if body is None else body,
            headers=sent,
            environ_base={"REMOTE_ADDR": sender or f"10.0.0.{next(self._senders)}"},
        )

    def stored(self):
        return [row.event_id for row in event_rows(self.database)]


@pytest.fixture(scope="module")
def open_site(sqlite_files):
    sites = []

    def open_one(**settings):
        sites.append(Site(sqlite_files.new_database_url(), **settings))
        return sites[-1]

    yield open_one
    for site in sites:
        site.database.engine.dispose()


@pytest.fixture(scope="module")
def shared_site(open_site):
    return open_site()


@pytest.fixture
def site(shared_site):
    """The one site of this module, and a check that nothing refused was stored."""
    return shared_site


def refused(site, answer, status):
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert "set-cookie" not in answer.headers


def test_a_signed_event_is_stored_with_its_job_and_answered(site):
    event = site.event()

    answer = site.post(event)

    assert (answer.status_code, answer.json) == (200, {"status": "received"})
    assert event.id in site.stored()
    keys = {row.event_id: row.id for row in event_rows(site.database)}
    jobs = [j for j in job_rows(site.database) if j.payload == {"event": keys[event.id]}]
    assert [(job.kind, job.queue) for job in jobs] == [("process_event", "webhooks")]


def test_the_same_event_again_is_known_and_has_one_job(site):
    event = site.event()
    site.post(event)
    jobs = len(job_rows(site.database))

    answers = [site.post(event) for _ in range(3)]

    assert [(a.status_code, a.json["status"]) for a in answers] == [(200, "known")] * 3
    assert site.stored().count(event.id) == 1
    assert len(job_rows(site.database)) == jobs


@pytest.mark.parametrize(
    "signature",
    [
        "v1,",
        "v1,AAAA",
        "v1a,AAAA",
        "nonsense",
        "v1,ü",
        " ",
        ",".join(["v1"] * 50),
        "v1," + "A" * 43 + "=",
    ],
)
def test_a_bad_signature_is_refused(site, signature):
    event = site.event()

    answer = site.post(event, webhook_signature=signature)

    refused(site, answer, 401)
    assert event.id not in site.stored()


def test_a_signature_by_another_secret_is_refused(site):
    event = site.event(secret="another secret")

    refused(site, site.post(event), 401)
    assert event.id not in site.stored()


@pytest.mark.parametrize("header", ["webhook_id", "webhook_timestamp", "webhook_signature"])
def test_an_event_without_one_of_its_headers_is_malformed(site, header):
    refused(site, site.post(site.event(), **{header: None}), 400)


@pytest.mark.parametrize("header", ["webhook_id", "webhook_timestamp"])
def test_the_signature_covers_id_and_time(site, header):
    event = site.event()
    others = {"webhook_id": "evt_other", "webhook_timestamp": str(event.at - 1)}

    refused(site, site.post(event, **{header: others[header]}), 401)


@pytest.mark.parametrize(
    "timestamp", ["", "now", "-5", "1e9", "١٢٣", "9" * 40, "12.5", "0x10", " 17"]
)
def test_a_time_that_is_none_is_malformed(site, timestamp):
    refused(site, site.post(site.event(), webhook_timestamp=timestamp), 400)


@pytest.mark.parametrize(
    ("off_by_s", "status"),
    [(-301, 401), (-300, 200), (-299, 200), (299, 200), (300, 200), (301, 401), (10**9, 401)],
)
def test_the_time_may_be_five_minutes_off_in_both_directions(site, off_by_s, status):
    event = site.event(at=site.now + off_by_s)

    assert site.post(event).status_code == status
    assert (event.id in site.stored()) is (status == 200)


def test_how_far_off_is_a_setting(open_site):
    site = open_site(webhook_tolerance_s=10.0)

    assert site.post(site.event(at=site.now - 9)).status_code == 200
    assert site.post(site.event(at=site.now - 11)).status_code == 401


def test_an_event_of_another_account_is_refused_even_when_it_is_well_signed(site):
    event = site.event(account="beta", secret="practice_whsec_alpha")

    refused(site, site.post(event), 401)
    assert event.id not in site.stored()


def test_an_object_of_another_account_is_refused(site):
    event = site.event(data=a_payment_object("pa_1", account="beta"))

    refused(site, site.post(event), 401)


def test_an_event_that_was_sent_to_another_provider_is_refused_there(site):
    refused(site, site.post(site.event(), "/webhooks/beta"), 401)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : ")])
def test_a_body_that_was_parsed_and_written_again_is_refused(site, separators):
    event = site.event()
    again = json.dumps(json.loads(event.body), separators=separators).encode()
    assert again != event.body

    refused(site, site.post(event, body=again), 401)
    assert event.id not in site.stored()


def test_one_changed_byte_is_refused(site):
    event = site.event()

    refused(site, site.post(event, body=event.body.replace(b"1999", b"1998")), 401)


def test_text_beyond_ascii_is_taken_as_it_is(site):
    data = a_payment_object("pa_1", description="Zwei Bücher für Łukasz 📚 ¡olé!")
    event = site.event(data=data)

    assert site.post(event).status_code == 200
    assert event.id in site.stored()


def a_body(**fields):
    event = {"id": "evt_x", "type": "payment.approved", "account": "alpha", "data": {"id": "p"}}
    return json.dumps(event | fields).encode()


NONSENSE = {
    "nothing": b"",
    "half of it": b"{",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"text"',
    "no UTF-8": b"\xff\xfe",
    "an empty object": b"{}",
    "no data": a_body(data=None),
    "a list of data": a_body(data=[]),
    "no type": a_body(type=None),
    "no id of the payment": a_body(data={}),
    "half a character": a_body(data={"id": "p\ud800"}),
    "NUL": a_body(data={"id": "p\0"}),
    "another id": a_body(id="evt_y"),
    "an object for an id": a_body(data={"id": {"a": 1}}),
    "an object for an account": a_body(data={"id": "p", "account": {}}),
    "a long id": a_body(data={"id": "p" * 121}),
    "a key that comes twice": a_body().replace(b'"id": "p"', b'"id": "q", "id": "p"'),
    "a deep one": b"[" * 100_000,
    "a long number": b'{"id": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_signed_nonsense_is_malformed_and_never_an_error_of_ours(site, body):
    answer = site.post(
        site.event(id="evt_x"),
        body=body,
        webhook_signature=signed("practice_whsec_alpha", "evt_x", site.now, body),
    )

    assert answer.status_code in {400, 401}
    assert "evt_x" not in site.stored()


def test_a_megabyte_is_not_read(site):
    event = site.event(data=a_payment_object("pa_1", description="x" * 1_000_000))

    answer = site.post(event)

    refused(site, answer, 413)
    assert event.id not in site.stored()


def test_a_body_in_chunks_is_not_read_to_its_end_either(site):
    event = site.event(data=a_payment_object("pa_1", description="x" * 1_000_000))

    answer = site.app.test_client().post(
        "/webhooks/alpha",
        input_stream=BytesIO(event.body),
        headers=event.headers,
        environ_overrides={
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "",
        },
    )

    refused(site, answer, 413)


def test_more_than_the_pages_take_is_taken(site):
    event = site.event(data=a_payment_object("pa_1", description="x" * 200_000))

    assert site.post(event).status_code == 200


def test_several_signatures_of_which_one_is_ours_are_enough(site):
    event = site.event()
    others = " ".join(signed(f"other {n}", event.id, event.at, event.body) for n in range(3))

    assert site.post(event, webhook_signature=f"{others} {event.signature}").status_code == 200
    assert site.post(site.event(), webhook_signature=others).status_code == 401


def test_more_signatures_than_a_rotation_needs_are_not_all_tried(site):
    event = site.event()
    signature = " ".join(["v1,AAAA"] * 8 + [event.signature])

    refused(site, site.post(event, webhook_signature=signature), 401)


def test_while_the_secret_is_changed_both_are_good_and_afterwards_one(open_site):
    during = open_site(sandbox_webhook_secret=f"practice_whsec_{{account}}, {NEW_SECRET}")
    after = open_site(sandbox_webhook_secret=NEW_SECRET)

    statuses = [
        [site.post(site.event(secret=secret)).status_code for secret in ("", NEW_KEY)]
        for site in (during, after)
    ]

    assert statuses == [[200, 200], [401, 200]]


def test_an_unknown_provider_is_not_found(site):
    refused(site, site.post(site.event(), "/webhooks/nobody"), 404)


def test_without_a_secret_no_event_is_taken(open_site):
    site = open_site(sandbox_webhook_secret="")

    refused(site, site.post(site.event(secret="")), 404)


def test_a_disabled_method_still_receives_its_events(site):
    event = site.event(account="off", data=a_payment_object("pa_1", account="off"))

    assert site.post(event, "/webhooks/off").status_code == 200


def test_a_wrong_secret_in_the_settings_is_said_at_the_start():
    assert any(
        "PAYORCH_SANDBOX_WEBHOOK_SECRET" in problem
        for problem in Settings(sandbox_webhook_secret="whsec_not base64").problems()
    )


def test_the_door_reads_no_cookies_and_needs_no_form_token(site):
    client = site.app.test_client()
    client.set_cookie("payorch", "somebody's session")
    event = site.event()

    answer = client.post("/webhooks/alpha", data=event.body, headers=event.headers)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_only_posts_are_answered(site):
    assert site.app.test_client().get("/webhooks/alpha").status_code == 405


def test_what_is_kept_of_an_event_is_short_and_holds_no_card(site):
    data = a_payment_object(
        "pa_1",
        card={"number": "4242424242424242", "cvc": "123", "last4": "4242"},
        method="4242 4242 4242 4242",
        status="approved" * 100,
        amount=4242424242424242,
        description="my card is 4242424242424242",
    )
    event = site.event(data=data, type="payment.approved")

    assert site.post(event).status_code == 200

    (kept,) = [row.body for row in event_rows(site.database) if row.event_id == event.id]
    assert kept["currency"] == "EUR"
    assert len(kept["status"]) <= 120
    text = json.dumps(kept).replace(" ", "")
    assert "4242424242" not in text
    assert "card" not in kept
    assert "description" not in kept


def test_refusals_are_counted_by_reason(open_site):
    site = open_site()
    site.post(site.event())
    site.post(site.event(secret="wrong"))
    site.post(site.event(secret="wrong"))
    site.post(site.event(at=site.now - 1000))
    site.post(site.event(), webhook_id=None)

    counts = wired(site.app).events.counts.snapshot()

    assert counts == {
        ("alpha", "received"): 1,
        ("alpha", "bad_signature"): 2,
        ("alpha", "too_old"): 1,
        ("alpha", "missing_headers"): 1,
    }


def test_the_metrics_tell_how_many_were_refused(open_site):
    site = open_site()
    site.post(site.event(secret="wrong"))

    text = site.app.test_client().get("/metrics").text

    line = 'payorch_webhook_events_total{provider="alpha",result="bad_signature"} 1.0'
    assert line in text.splitlines()


def test_a_refusal_does_not_say_why(site):
    answers = [
        site.post(site.event(secret="wrong")),
        site.post(site.event(at=site.now - 1000)),
        site.post(site.event(account="beta", secret="practice_whsec_alpha")),
    ]

    assert len({answer.json["detail"] for answer in answers}) == 1


FORGED = "whsec_" + base64.b64encode(b"what somebody else made up").decode()


def test_forged_events_of_one_address_are_limited_and_the_provider_is_still_heard(open_site):
    site = open_site()

    forged = [site.post(site.event(secret=FORGED), sender="10.9.9.9") for _ in range(35)]
    genuine = site.post(site.event(), sender="10.9.9.9")
    from_elsewhere = site.post(site.event(secret=FORGED), sender="10.9.9.8")

    assert [answer.status_code for answer in forged] == [401] * 30 + [429] * 5
    assert 1 <= int(forged[-1].headers["Retry-After"]) <= 60
    assert genuine.status_code == 200
    assert from_elsewhere.status_code == 401
    assert len(site.stored()) == 1
    counts = wired(site.app).events.counts.snapshot()
    assert counts["alpha", "too_many_refused"] == 5


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("", "unix:", True),
    ],
)
def test_a_sender_is_an_address_or_the_network_it_can_take_addresses_from(one, other, is_same):
    limit = SenderLimit(1)

    assert limit.wait_s(one) == 0
    assert (limit.wait_s(other) > 0) is is_same
