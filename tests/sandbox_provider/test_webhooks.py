import base64
import hashlib
import hmac
import time
from pathlib import Path

import pytest

from payorch.sandbox_provider.settings import DEFAULT_ADMIN_KEY
from tests.sandbox_process import SandboxProcess, sandbox_process

from .listening_merchant import PATIENCE_S, Delivery, ListeningMerchant
from .practice_merchant import PracticeMerchant
from .test_challenge import press

CHALLENGE, PENDING = "4200000000000018", "4200000000000026"


def signed_by(delivery: Delivery, secret: str) -> bool:
    """Computed here once more, so that the signature is not checked by what made it."""
    content = f"{delivery.id}.{delivery.timestamp}.".encode() + delivery.raw
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return expected in delivery.headers["webhook-signature"].split(" ")


def wait_for_deliveries(sandbox: SandboxProcess, *states: str) -> list[dict]:
    """Every delivery there is, once they all have one of these states."""
    until = time.monotonic() + PATIENCE_S
    while True:
        deliveries = [item for event in sandbox.events() for item in event["deliveries"]]
        if deliveries and {item["state"] for item in deliveries} <= set(states):
            return deliveries
        assert time.monotonic() < until, deliveries
        time.sleep(0.02)


def test_an_event_shows_the_payment_and_is_signed(told, merchant: ListeningMerchant):
    _, payment = told.pay(reference="order-1")

    (delivery,) = merchant.wait_for_number(1)
    assert delivery.path == "/alpha"
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.body["id"] == delivery.id
    assert delivery.body["id"].startswith("evt_")
    assert delivery.body["type"] == "payment.approved"
    assert delivery.body["account"] == "alpha"
    assert delivery.body["data"] == payment
    assert delivery.body["created"] >= payment["created_at"]
    assert delivery.body["created"] == told.sandbox.events()[0]["created"]
    assert abs(delivery.timestamp - time.time()) < PATIENCE_S
    assert signed_by(delivery, "practice_whsec_alpha")
    assert not signed_by(delivery, "practice_whsec_beta")


def test_every_change_of_a_payment_is_told_in_order(told, merchant: ListeningMerchant):
    _, payment = told.pay(CHALLENGE)
    press(payment["redirect_url"], "approve")
    told.post(f"/payments/{payment['id']}/refunds", {"amount": 9, "reference": "r1"}, key="r1")

    heard = merchant.wait_for_number(3)

    assert [item.type for item in heard] == [
        "payment.requires_action",
        "payment.approved",
        "refund.succeeded",
    ]
    assert heard[0].body["data"]["redirect_url"] == payment["redirect_url"]
    assert heard[2].body["data"]["payment_id"] == payment["id"]


@pytest.mark.parametrize(
    ("number", "end"), [(PENDING, "payment.approved"), ("4200000000000034", "payment.declined")]
)
def test_a_pending_payment_ends_by_itself_and_tells_it(told, merchant, number, end):
    told.sandbox.patch_profile("alpha", pending_settles_after_s=0.1)

    told.pay(number)

    heard = merchant.wait_for_number(2)
    assert [item.type for item in heard] == ["payment.pending", end]


def test_a_decline_a_cancel_and_a_void_are_told(told, merchant: ListeningMerchant):
    told.pay("4000000000000051", reference="declined")
    _, payment = told.pay(CHALLENGE, reference="cancelled")
    told.post(f"/payments/{payment['id']}/cancel")
    _, payment = told.pay(reference="voided")
    told.post(f"/payments/{payment['id']}/void")

    heard = merchant.wait_for_types("payment.declined", "payment.cancelled", "payment.voided")

    assert {item.body["data"]["reference"]: item.type for item in heard} == {
        "declined": "payment.declined",
        "cancelled": "payment.cancelled",
        "voided": "payment.voided",
    }


def test_a_refused_decision_is_told_as_a_decline(told, merchant: ListeningMerchant):
    _, payment = told.pay(CHALLENGE)

    press(payment["redirect_url"], "decline")

    assert merchant.wait_for_number(2)[1].body["data"]["decline"]["code"] == "1A"


def test_a_replay_and_a_second_cancel_tell_nothing_new(told, merchant: ListeningMerchant):
    told.pay()
    told.pay()
    _, payment = told.pay(CHALLENGE, reference="order-2")
    told.post(f"/payments/{payment['id']}/cancel")
    told.post(f"/payments/{payment['id']}/cancel")

    wait_for_deliveries(told.sandbox, "delivered")

    assert len(merchant.deliveries) == 3


def test_a_charge_whose_answer_is_lost_is_told_all_the_same(told, merchant: ListeningMerchant):
    assert told.pay("4100000000000043")[0] == 500

    assert merchant.wait_for_number(1)[0].type == "payment.approved"


def test_a_late_arrival_is_told_when_it_charges(told, merchant: ListeningMerchant):
    told.sandbox.patch_profile("alpha", late_arrival_after_s=3600, hold_s=0.05)
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        told.pay("4100000000000159")
    assert told.sandbox.events() == []

    told.sandbox.land_late_arrivals()

    assert merchant.wait_for_number(1)[0].type == "payment.approved"


def test_an_account_without_an_address_keeps_silent(told, merchant: ListeningMerchant):
    PracticeMerchant(told.sandbox, "beta").pay()
    told.pay()

    merchant.wait_for_number(1)
    assert [event["account"] for event in told.sandbox.events()] == ["alpha"]


@pytest.mark.parametrize("refusal", [500, 400, 404, 302])
def test_whatever_is_not_2xx_is_sent_again_with_the_same_id_and_body(told, merchant, refusal):
    merchant.answers = [refusal, refusal]

    told.pay()

    heard = merchant.wait_for_number(3)
    assert len({item.id for item in heard}) == len({item.raw for item in heard}) == 1
    assert {item.path for item in heard} == {"/alpha"}
    (delivery,) = wait_for_deliveries(told.sandbox, "delivered")
    assert (delivery["attempts"], delivery["last_result"]) == (3, "204")


def test_it_gives_up_after_the_last_try_and_can_be_told_to_try_again(told, merchant):
    told.sandbox.patch_profile("alpha", webhook_retry_after_s=[0])
    merchant.then = 503
    told.pay()
    (delivery,) = wait_for_deliveries(told.sandbox, "given_up")
    assert (delivery["attempts"], delivery["last_result"]) == (2, "503")

    merchant.then = 200
    (event,) = told.sandbox.events()
    told.sandbox.redeliver(event["id"])

    deliveries = wait_for_deliveries(told.sandbox, "given_up", "delivered")
    assert [item["state"] for item in deliveries] == ["given_up", "delivered"]
    assert len({item.raw for item in merchant.deliveries}) == 1


def test_a_merchant_who_does_not_listen_is_tried_again(told, merchant: ListeningMerchant):
    told.sandbox.patch_profile("alpha", webhook_url="http://127.0.0.1:9/nobody")
    told.pay()
    until = time.monotonic() + PATIENCE_S
    while not told.sandbox.events()[0]["deliveries"][0]["attempts"]:
        assert time.monotonic() < until
        time.sleep(0.02)

    told.sandbox.patch_profile("alpha", webhook_url=f"{merchant.base_url}/moved")

    assert merchant.wait_for_number(1)[0].path == "/moved"


def test_an_undelivered_event_survives_a_killed_process(tmp_path: Path, merchant):
    merchant.then = 503
    with sandbox_process(tmp_path, webhook_base_url=merchant.base_url) as sandbox:
        PracticeMerchant(sandbox, "beta").pay()
        merchant.wait_for_number(1)
        sandbox.kill()
    heard_before = len(merchant.deliveries)
    merchant.then = 200

    with sandbox_process(tmp_path, webhook_base_url=f"{merchant.base_url}/"):
        heard = merchant.wait_for_number(heard_before + 1)

    assert {item.path for item in heard} == {"/beta"}
    assert len({item.id for item in heard}) == 1


def test_a_base_address_stands_in_for_the_address_that_a_profile_does_not_name(
    tmp_path: Path, merchant: ListeningMerchant
):
    with sandbox_process(tmp_path, webhook_base_url=merchant.base_url) as sandbox:
        sandbox.patch_profile("alpha", webhook_url="")
        sandbox.patch_profile("gamma", webhook_url="http://shop.example/hooks")
        urls = {p["account"]: p["webhook_url"] for p in sandbox.admin("GET", "/profiles")["data"]}
        assert urls["alpha"] == ""
        assert urls["beta"] == f"{merchant.base_url}/beta"
        assert urls["gamma"] == "http://shop.example/hooks"

        back = sandbox.patch_profile("gamma", webhook_url=None)
        assert back["webhook_url"] == f"{merchant.base_url}/gamma"


def test_during_a_rotation_both_secrets_sign(told, merchant: ListeningMerchant):
    told.sandbox.patch_profile("alpha", webhook_secret="old", webhook_secret_next="new")
    told.pay(reference="order-1")
    (both,) = merchant.wait_for_number(1)
    assert signed_by(both, "old")
    assert signed_by(both, "new")
    assert len(both.headers["webhook-signature"].split(" ")) == 2

    told.sandbox.patch_profile("alpha", webhook_secret="new", webhook_secret_next=None)
    told.pay(reference="order-2")
    after = merchant.wait_for_number(2)[1]
    assert signed_by(after, "new")
    assert not signed_by(after, "old")


@pytest.mark.parametrize(
    "patch",
    [
        {"webhook_url": "ftp://shop.example"},
        {"webhook_url": "http://"},
        {"webhook_url": "http://[::1"},
        {"webhook_secret": "whsec_!"},
        {"webhook_retry_after_s": "1"},
        {"webhook_retry_after_s": [-1]},
        {"webhook_faults": {"meteor": 1}},
        {"webhook_faults": {"drop": 1.1}},
    ],
)
def test_an_impossible_webhook_setting_is_refused(sandbox: SandboxProcess, patch):
    headers = {"X-Sandbox-Admin": DEFAULT_ADMIN_KEY}
    status, answer = sandbox.send("PATCH", "/admin/profiles/alpha", body=patch, headers=headers)

    assert (status, answer["error"]["code"]) == (422, "invalid_profile")


class TestFaults:
    def test_a_duplicate_comes_twice_under_one_id(self, told, merchant: ListeningMerchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"duplicate": 1})
        told.pay()

        heard = merchant.wait_for_number(2)
        assert len({item.id for item in heard}) == len({item.raw for item in heard}) == 1
        assert all(signed_by(item, "practice_whsec_alpha") for item in heard)

    def test_a_dropped_event_is_never_sent_but_can_be_redelivered(self, told, merchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"drop": 1})
        told.pay()
        (event,) = told.sandbox.events()
        assert event["deliveries"][0]["state"] == "dropped"
        assert told.sandbox.admin("GET", "/stats")["webhooks_waiting"] == 0

        told.sandbox.redeliver(event["id"])

        assert merchant.wait_for_number(1)[0].id == event["id"]

    def test_a_delayed_event_waits_its_time(self, told, merchant: ListeningMerchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"delay": 1}, webhook_delay_s=3600)
        before = time.time()
        told.pay()

        (event,) = told.sandbox.events()
        (delivery,) = event["deliveries"]
        assert delivery["state"] == "waiting"
        assert 3600 <= delivery["due_at"] - before < 3600 + PATIENCE_S
        assert merchant.deliveries == []

    def test_a_reordered_event_comes_after_a_newer_one(self, told, merchant: ListeningMerchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"reorder": 1}, webhook_reorder_s=3600)
        _, payment = told.pay(CHALLENGE)
        assert told.sandbox.events()[0]["deliveries"][0]["state"] == "held"
        told.sandbox.patch_profile("alpha", webhook_faults=None)

        press(payment["redirect_url"], "approve")

        heard = merchant.wait_for_number(2)
        assert [item.type for item in heard] == ["payment.approved", "payment.requires_action"]

    def test_a_reordered_event_comes_at_last_although_nothing_follows(self, told, merchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"reorder": 1}, webhook_reorder_s=0.1)
        told.pay()

        assert merchant.wait_for_number(1)[0].type == "payment.approved"

    def test_a_forged_event_claims_an_approval_and_is_badly_signed(self, told, merchant):
        told.sandbox.patch_profile("alpha", webhook_faults={"forge": 1})
        merchant.then = 401
        told.pay("4000000000000051")

        forged = next(
            item
            for item in merchant.wait_for_types("payment.approved", "payment.declined")
            if item.type == "payment.approved"
        )
        assert not signed_by(forged, "practice_whsec_alpha")
        assert forged.body["data"]["status"] == "approved"
        assert forged.body["data"]["captured_amount"] == 1999
        assert forged.body["data"]["decline"] is None
        by_genuine = {event["genuine"]: event for event in told.sandbox.events()}
        assert by_genuine[False]["id"] == forged.id
        assert by_genuine[True]["type"] == "payment.declined"
        assert told.charged() == []

    def test_a_stale_event_is_signed_with_an_old_time_and_sent_again_with_the_right_one(
        self, told, merchant: ListeningMerchant
    ):
        told.sandbox.patch_profile("alpha", webhook_faults={"stale": 1}, webhook_stale_s=3600)
        merchant.answers = [400]
        told.pay()

        stale, fresh = merchant.wait_for_number(2)
        assert stale.timestamp <= time.time() - 3600 + 1
        assert signed_by(stale, "practice_whsec_alpha")
        assert fresh.timestamp >= stale.timestamp + 3600
        assert signed_by(fresh, "practice_whsec_alpha")

    def test_the_same_payments_are_struck_under_the_same_seed(self, told):
        def dropped() -> list[str]:
            told.sandbox.patch_profile(
                "alpha", webhook_url="http://127.0.0.1:9/", webhook_faults={"drop": 0.5}
            )
            for number in range(40):
                told.pay(reference=f"r{number}")
            return [
                event["data"]["reference"]
                for event in told.sandbox.events()
                if event["deliveries"][0]["state"] == "dropped"
            ]

        first = dropped()
        told.sandbox.reset()

        assert dropped() == first
        assert 8 <= len(first) <= 32


class TestOperator:
    def test_a_forgery_can_be_sent_at_any_time(self, told, merchant: ListeningMerchant):
        _, payment = told.pay("4000000000000051")
        merchant.wait_for_number(1)

        event_id = told.sandbox.send_event(
            payment["id"], type="payment.approved", data={"status": "approved"}
        )

        forged = merchant.wait_for_number(2)[1]
        assert (forged.id, forged.type) == (event_id, "payment.approved")
        assert forged.body["data"]["status"] == "approved"
        assert not signed_by(forged, "practice_whsec_alpha")

    def test_an_arbitrary_event_can_be_sent_well_signed(self, told, merchant: ListeningMerchant):
        _, payment = told.pay()
        merchant.wait_for_number(1)

        told.sandbox.send_event(
            payment["id"], kind="plain", type="payment.unheard_of", data={"amount": 1}
        )

        sent = merchant.wait_for_number(2)[1]
        assert sent.body["data"] == {**payment, "amount": 1}
        assert sent.type == "payment.unheard_of"
        assert signed_by(sent, "practice_whsec_alpha")

    def test_a_duplicate_repeats_the_newest_event(self, told, merchant: ListeningMerchant):
        _, payment = told.pay()
        (first,) = merchant.wait_for_number(1)

        assert told.sandbox.send_event(payment["id"], kind="duplicate") == first.id

        assert merchant.wait_for_number(2)[1].raw == first.raw

    def test_events_are_listed_by_account_payment_and_type(self, told):
        _, one = told.pay(reference="order-1")
        told.pay("4000000000000051", reference="order-2")
        sandbox = told.sandbox

        assert [e["payment_id"] for e in sandbox.events(payment=one["id"])] == [one["id"]]
        assert len(sandbox.events(type="payment.declined")) == 1
        assert len(sandbox.events(account="alpha")) == 2
        assert sandbox.events(account="beta") == []

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/events", {"payment": "nobody"}, 404),
            ("/events/evt_0/redeliver", {}, 404),
            ("/events/evt_0/redeliver", {"kind": "loud"}, 422),
        ],
    )
    def test_what_does_not_exist_is_not_sent(self, told, path, body, status):
        headers = {"X-Sandbox-Admin": DEFAULT_ADMIN_KEY}

        got, _ = told.sandbox.send("POST", f"/admin{path}", body=body, headers=headers)

        assert got == status

    def test_only_the_operator_sends(self, sandbox: SandboxProcess):
        assert sandbox.send("POST", "/admin/events", body={})[0] == 401
        assert sandbox.send("GET", "/admin/events")[0] == 401

    def test_an_account_without_an_address_is_sent_nothing(self, alpha: PracticeMerchant):
        _, payment = alpha.pay()
        headers = {"X-Sandbox-Admin": DEFAULT_ADMIN_KEY}

        status, answer = alpha.sandbox.send(
            "POST", "/admin/events", body={"payment": payment["id"]}, headers=headers
        )

        assert (status, answer["error"]["code"]) == (422, "no_webhook_url")
