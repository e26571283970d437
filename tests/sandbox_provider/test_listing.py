from urllib.parse import quote

import pytest

from .practice_merchant import PracticeMerchant


def references(answer: tuple[int, dict]) -> list[str]:
    assert answer[0] == 200, answer
    return [item["reference"] for item in answer[1]["data"]]


@pytest.fixture(params=["payments", "refunds"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def listed(alpha: PracticeMerchant, kind: str) -> list[dict]:
    """Five payments, or five refunds of one payment, as they were answered: oldest first."""
    if kind == "payments":
        return [alpha.pay(reference=f"r{number}")[1] for number in range(5)]
    _, payment = alpha.pay(reference="paid")
    path = f"/payments/{payment['id']}/refunds"
    return [
        alpha.post(path, {"amount": 7, "reference": f"r{number}"}, key=f"r{number}")[1]
        for number in range(5)
    ]


def test_all_are_listed_oldest_first(alpha: PracticeMerchant, kind, listed):
    assert alpha.get(f"/{kind}") == (200, {"data": listed, "has_more": False})


def test_pages_together_are_the_whole(alpha: PracticeMerchant, kind, listed):
    seen, after, has_more = [], "", True
    while has_more:
        _, page = alpha.get(f"/{kind}?limit=2" + (f"&after={after}" if after else ""))
        seen += page["data"]
        after, has_more = seen[-1]["id"], page["has_more"]
        assert len(page["data"]) <= 2

    assert seen == listed


def test_a_full_last_page_says_that_nothing_follows(alpha: PracticeMerchant, kind, listed):
    assert alpha.get(f"/{kind}?limit=5")[1]["has_more"] is False
    assert alpha.get(f"/{kind}?limit=4")[1]["has_more"] is True


def test_only_those_are_listed_that_were_created_later(alpha: PracticeMerchant, kind, listed):
    later = [item["reference"] for item in listed[2:]]
    at = listed[1]["created_at"]

    assert references(alpha.get(f"/{kind}?created_after={quote(at)}")) == later
    assert references(alpha.get(f"/{kind}?created_after={at}")) == later
    assert references(alpha.get(f"/{kind}?created_after={at.replace('+00:00', 'Z')}")) == later
    after = listed[3]["id"]
    assert references(alpha.get(f"/{kind}?created_after={at}&after={after}")) == ["r4"]
    assert references(alpha.get(f"/{kind}?created_after=2999-01-01T00:00:00Z")) == []


def test_another_accounts_are_not_listed(alpha: PracticeMerchant, kind, listed):
    beta = PracticeMerchant(alpha.sandbox, "beta")

    assert references(beta.get(f"/{kind}")) == []
    assert beta.get(f"/{kind}?after={listed[0]['id']}")[0] == 422


def test_a_search_by_reference_is_no_page(alpha: PracticeMerchant, kind, listed):
    assert alpha.get(f"/{kind}?reference=r1") == (200, {"data": [listed[1]]})


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1000000", "limit"),
        ("limit=0010000", "limit"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2030-01-01T00:00:00", "created_after"),
        ("created_after=9999-12-31T23:59:59-12:00", "created_after"),
        ("after=nobody", "after"),
    ],
)
def test_an_impossible_page_is_refused(alpha: PracticeMerchant, kind, query, param):
    status, answer = alpha.get(f"/{kind}?{query}")

    assert (status, answer["error"]["param"]) == (422, param)


def test_a_page_shows_what_has_become_of_a_pending_payment(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", pending_settles_after_s=0)
    alpha.pay("4200000000000026")

    assert alpha.get("/payments")[1]["data"][0]["status"] == "approved"


def test_metadata_is_shown_again(alpha: PracticeMerchant):
    metadata = {"order": "po_1", "naïve ☃": ""}

    _, payment = alpha.pay(metadata=metadata)

    assert payment["metadata"] == metadata
    assert alpha.get(f"/payments/{payment['id']}")[1]["metadata"] == metadata
    assert alpha.get("/payments")[1]["data"][0]["metadata"] == metadata
    assert alpha.pay(metadata=metadata)[1] == payment


def test_a_payment_without_metadata_shows_none(alpha: PracticeMerchant):
    assert alpha.pay()[1]["metadata"] == {}


def test_the_same_key_with_other_metadata_is_refused(alpha: PracticeMerchant):
    alpha.pay(metadata={"order": "po_1"})

    assert alpha.pay(metadata={"order": "po_2"})[0] == 409


@pytest.mark.parametrize(
    "metadata",
    [
        "po_1",
        ["po_1"],
        {"order": 1},
        {"order": None},
        {"": "x"},
        {"k" * 41: "x"},
        {"k": "x" * 501},
        {str(number): "x" for number in range(11)},
    ],
)
def test_other_metadata_is_refused(alpha: PracticeMerchant, metadata):
    status, answer = alpha.pay(metadata=metadata)

    assert (status, answer["error"]["param"]) == (422, "metadata")
    assert alpha.charged() == []
