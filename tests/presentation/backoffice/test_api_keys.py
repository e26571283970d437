"""The page of the API keys: admins make, rotate and revoke them, and see a key once."""

import html
import re

import pytest

from payorch.application.manage_api_keys import DEFAULT_OVERLAP, RotateApiKey
from payorch.domain.api_key import KeyMode
from payorch.factory import wired
from tests.api_keys import creation, key_desk
from tests.presentation.backoffice.office import CAST
from tests.presentation.backoffice.test_step_up import QUESTION, answered, let_time_pass

PAGE = "/admin/api-keys/"
NEW = f"{PAGE}new"
ADA = "ada@example.org"
KEY = re.compile(r"po_test_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")


def a_form(**fields):
    return {
        "name": "Web shop",
        "scopes": ["orders:write", "payments:write"],
        "lifetime": "90",
        "networks": "",
        "reason": "the new shop",
        **fields,
    }


def post(visitor, path, form, **options):
    return visitor.post(path, form, token_from=PAGE, **options)


def keys(office):
    return office.services.api_keys.all()


def a_key(office, name="Web shop", **fields):
    return office.services.api_keys.create(creation(name, **fields)).key


@pytest.fixture
def office(open_office, database_url):
    """On both databases."""
    return open_office(database_url)


@pytest.fixture
def ada(office):
    return office.logged_in("ada")


@pytest.mark.parametrize("name", sorted(set(CAST) - {"ada"}))
def test_only_admins_see_and_change_keys(office, name):
    key, staff = a_key(office), office.logged_in(name)

    for path in (PAGE, NEW, f"{PAGE}{key.id}/rotate", f"{PAGE}{key.id}/revoke"):
        assert staff.get(path).status_code == 403, path
    for path in (NEW, f"{PAGE}{key.id}/rotate", f"{PAGE}{key.id}/revoke"):
        answer = staff.post(path, a_form(), token_from="/admin/dashboard/")
        assert answer.status_code == 403, path
    assert PAGE not in staff.get("/admin/dashboard/").text
    assert [it.state(office.services.clock.now()) for it in keys(office)] == ["active"]


def test_without_keys_the_page_says_so_and_that_the_api_is_open(ada):
    page = ada.get(PAGE).text

    assert "There is no key yet" in page
    assert "Anybody who reaches this payorch may call its API now" in page


def test_with_a_token_the_page_says_that_it_opens_everything(open_office):
    page = open_office(api_token="t" * 40).logged_in("ada").get(PAGE).text

    assert "PAYORCH_API_TOKEN is set" in page
    assert "t" * 40 not in page
    assert "Anybody who reaches" not in page


def test_a_key_is_made_and_shown_once(office, ada):
    shown = post(ada, NEW, a_form(networks="203.0.113.7\n\n10.0.0.0/8"))

    (text,) = set(KEY.findall(shown.text))
    assert shown.headers["Cache-Control"] == "no-store"
    assert f'data-copy="{text}"' in shown.text
    (key,) = keys(office)
    assert (key.name, key.created_by) == ("Web shop", ADA)
    assert sorted(key.scopes) == ["orders:write", "payments:write"]
    assert key.networks == ("203.0.113.7", "10.0.0.0/8")
    assert (key.expires_at - key.created_at).days == 90
    for path in (PAGE, f"{PAGE}{key.id}/rotate", f"{PAGE}{key.id}/revoke", "/admin/journal/"):
        page = ada.get(path).text
        assert key.label in page
        assert not KEY.search(page)
        assert text.split("_")[3] not in page


def test_the_made_key_opens_the_api(office, ada):
    (text,) = set(KEY.findall(post(ada, NEW, a_form(scopes=["methods:read"])).text))

    answer = office.app.test_client().get(
        "/api/v1/payment-methods?amount_minor=100&currency=EUR&country=DE",
        headers={"Authorization": f"Bearer {text}"},
    )

    assert answer.status_code == 200


def test_sending_the_form_again_makes_no_second_key(office, ada):
    post(ada, NEW, a_form())

    again = post(ada, NEW, a_form())

    assert again.status_code == 409
    assert "There is an active key with the name" in again.text
    assert not KEY.search(again.text)
    assert len(keys(office)) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": " "}, "A name is one line"),
        ({"scopes": []}, "Choose at least one scope"),
        ({"scopes": ["everything"]}, "A scope is one of"),
        ({"networks": "10.0.0.5/8"}, "is no address and no network"),
        ({"lifetime": "99999"}, "Not a valid choice"),
        ({"reason": ""}, "Say why"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(office, ada, wrong, says):
    page = post(ada, NEW, a_form(name="<b>Till</b>") | wrong)

    assert page.status_code == 422
    assert says in html.unescape(page.text)
    assert "<b>Till</b>" not in page.text
    assert keys(office) == []
    if "scopes" not in wrong:
        assert re.search(r'value="payments:write" checked', page.text)


def test_the_list_tells_the_states_apart(office, ada):
    revoked, old = a_key(office, "Lost"), a_key(office, "Old shop", networks=["10.0.0.0/8"])
    office.services.api_keys.revoke(revoked.id, actor=ADA, reason="in a <log>")
    new = office.services.api_keys.rotate(
        RotateApiKey(key_id=old.id, actor=ADA, reason="a year is over")
    ).key
    a_key(office, "Till", lifetime=None)
    key_desk(wired(office.app).database, mode=KeyMode.LIVE).create(creation("Copied"))

    page = ada.get(PAGE).text

    rows = {
        re.search(r"po_(?:test|live)_\w{8}", row)[0]: row
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
        if "<td" in row
    }
    assert "in a &lt;log&gt;" in rows[revoked.label]
    assert ">revoked<" in rows[revoked.label]
    assert "/revoke" not in rows[revoked.label]
    assert ">being replaced<" in rows[old.label]
    assert new.id in rows[old.label]
    assert ">active<" in rows[new.label]
    assert "/rotate" not in rows[old.label] + rows[new.label]
    assert "10.0.0.0/8" in rows[new.label]
    (live,) = (row for label, row in rows.items() if label.startswith("po_live"))
    assert ">not for here<" in live
    assert "/rotate" not in live
    assert "/revoke" in live


def test_rotating_makes_a_successor_and_lets_the_old_key_go_on(office, ada):
    old = a_key(office)

    shown = post(ada, f"{PAGE}{old.id}/rotate", {"overlap": "168", "reason": "a year is over"})

    (text,) = set(KEY.findall(shown.text))
    new, kept = keys(office)
    assert text.startswith(new.label)
    assert shown.headers["Cache-Control"] == "no-store"
    assert kept.replaced_by == new.id
    assert kept.expires_at - new.created_at == DEFAULT_OVERLAP
    assert "works until" in shown.text

    again = post(ada, f"{PAGE}{old.id}/rotate", {"overlap": "1", "reason": "once more"})
    assert again.status_code == 409
    assert "Revoke the older one first" in again.text


def test_revoking_asks_why(office, ada):
    key = a_key(office)
    path = f"{PAGE}{key.id}/revoke"
    assert "This cannot be taken back" in ada.get(path).text

    refused = post(ada, path, {"reason": " "})
    done = post(ada, path, {"reason": "it was in a log"}, follow_redirects=True)

    assert refused.status_code == 422
    assert "is revoked. It is refused from now on." in done.text
    assert "it was in a log" in done.text
    assert post(ada, path, {"reason": "again"}).status_code == 409


def test_the_password_is_asked_for_again(office, ada):
    key = a_key(office, "Till")
    let_time_pass(office)

    question = post(ada, NEW, a_form())
    for path, form in (
        (f"{PAGE}{key.id}/rotate", {"overlap": "1", "reason": "why not"}),
        (f"{PAGE}{key.id}/revoke", {"reason": "why not"}),
    ):
        assert QUESTION in post(ada, path, form).text
    assert QUESTION in question.text
    assert [it.revoked_at for it in keys(office)] == [None]

    shown = answered(ada, question)

    assert KEY.search(shown.text)
    assert sorted(keys(office)[0].scopes) == ["orders:write", "payments:write"]


@pytest.mark.parametrize("key_id", ["00000000", "short", "a" * 200, "%00%00%00%00%00%00%00%00"])
@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_a_key_that_does_not_exist_is_not_found(ada, key_id, what):
    assert ada.get(f"{PAGE}{key_id}/{what}").status_code == 404
    assert post(ada, f"{PAGE}{key_id}/{what}", {"reason": "x"}).status_code == 404


def test_the_journal_tells_it_in_words(office, ada):
    (text,) = set(KEY.findall(post(ada, NEW, a_form()).text))
    (key,) = keys(office)
    post(ada, f"{PAGE}{key.id}/rotate", {"overlap": "1", "reason": "a year is over"})
    post(ada, f"{PAGE}{key.id}/revoke", {"reason": "the new one is in place"})
    new = keys(office)[0]

    journal = html.unescape(ada.get("/admin/journal/").text)

    assert f"made the API key {key.label} “Web shop”" in journal
    assert f"replaced the API key {key.label} “Web shop” by {new.label}" in journal
    assert f"revoked the API key {key.label} “Web shop”" in journal
    assert text.split("_")[3] not in journal
