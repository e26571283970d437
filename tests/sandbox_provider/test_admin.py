import pytest
import urllib3

from payorch.sandbox_provider.settings import DEFAULT_ADMIN_KEY
from tests.sandbox_process import SandboxProcess

from .practice_merchant import PracticeMerchant

ADMIN = {"X-Sandbox-Admin": DEFAULT_ADMIN_KEY}


@pytest.mark.parametrize("headers", [{}, {"X-Sandbox-Admin": "guess"}])
def test_only_the_operator_sees_the_ledger(sandbox: SandboxProcess, headers):
    status, answer = sandbox.send("GET", "/admin/ledger", headers=headers)

    assert (status, answer["error"]["code"]) == (401, "bad_admin_key")


def test_a_patch_changes_what_it_names_and_null_brings_back_the_default(sandbox: SandboxProcess):
    sandbox.patch_profile("alpha", faults={"latency": 0.1}, approval_rate=0.5)

    profile = sandbox.patch_profile("alpha", faults={"rate_limit_429": 0.2})
    assert profile["faults"] == {"latency": 0.1, "rate_limit_429": 0.2}
    assert profile["approval_rate"] == 0.5

    assert sandbox.patch_profile("alpha", faults=None)["faults"] == {}


@pytest.mark.parametrize(
    "patch",
    [
        {"approval_rate": 1.1},
        {"approval_rate": True},
        {"faults": {"meteor": 0.1}},
        {"faults": {"latency": 0.6, "flapping": 0.6}},
        {"latency": {"p50": 1}},
        {"methods": ["cash"]},
        {"find_by_reference": "yes"},
        {"declines": ["05"]},
        {"color": "red"},
        {"api_key": ""},
    ],
)
def test_an_impossible_profile_is_refused_and_the_old_one_stays(sandbox: SandboxProcess, patch):
    before = sandbox.admin("GET", "/profiles")

    status, answer = sandbox.send("PATCH", "/admin/profiles/alpha", body=patch, headers=ADMIN)

    assert (status, answer["error"]["code"]) == (422, "invalid_profile")
    assert sandbox.admin("GET", "/profiles") == before


def test_an_account_can_be_added_while_running(sandbox: SandboxProcess):
    sandbox.admin("PUT", "/profiles/epsilon", {"api_key": "practice_key_epsilon"})

    assert PracticeMerchant(sandbox, "epsilon").pay()[0] == 201


@pytest.mark.parametrize("name", ["admin", "docs", "No", "1a"])
def test_an_account_cannot_take_an_address_of_ours(sandbox: SandboxProcess, name):
    status, _ = sandbox.send("PUT", f"/admin/profiles/{name}", body={"api_key": "k"}, headers=ADMIN)

    assert status == 422


@pytest.mark.parametrize(
    ("outage", "status"),
    [
        ({"account": "alpha", "fault": "meteor"}, 422),
        ({"account": "nobody", "fault": "latency"}, 404),
        ({"account": "alpha", "fault": "latency", "share": 2}, 422),
        ({"account": "alpha", "fault": "wrong_amount", "scope": "all"}, 422),
        ({"account": "alpha", "fault": "latency", "lasts_s": -1}, 422),
    ],
)
def test_an_impossible_outage_is_refused(sandbox: SandboxProcess, outage, status):
    got, _ = sandbox.send("POST", "/admin/outages", body=outage, headers=ADMIN)

    assert got == status
    assert sandbox.admin("GET", "/outages") == {"data": []}


def test_the_ledger_is_told_by_account(alpha: PracticeMerchant):
    alpha.pay()
    PracticeMerchant(alpha.sandbox, "beta").pay()

    assert len(alpha.sandbox.ledger()["payments"]) == 2
    assert [item["account"] for item in alpha.sandbox.ledger("beta")["payments"]] == ["beta"]


def test_statistics_count_requests_faults_and_payments(alpha: PracticeMerchant):
    alpha.pay()
    alpha.pay("4000000000000051", reference="order-2")
    alpha.pay("4100000000000126", reference="order-3")

    stats = alpha.sandbox.admin("GET", "/stats")

    assert stats["payments"]["alpha"] == {"approved": 1, "declined": 1}
    assert stats["events"]["alpha"] == {"requests": 3, "not_processed_503": 1}


def test_a_body_that_is_no_json_object_is_400(sandbox: SandboxProcess):
    for body in (b"{", b"[]", b"\xff"):
        answer = urllib3.request(
            "POST",
            f"{sandbox.base_url}/alpha/v1/payments",
            body=body,
            headers={"Authorization": "Bearer practice_key_alpha"},
            retries=False,
        )
        assert answer.status == 400


def test_an_unknown_address_answers_in_the_apis_shape(sandbox: SandboxProcess):
    status, answer = sandbox.send("GET", "/alpha/v2/payments")

    assert status == 404
    assert answer["error"]["type"] == "invalid_request"


def test_the_documentation_is_served_without_a_key(sandbox: SandboxProcess):
    page = urllib3.request("GET", f"{sandbox.base_url}/docs", retries=False)

    assert page.status == 200
    assert "4242 4242 4242 4242" in page.data.decode()
