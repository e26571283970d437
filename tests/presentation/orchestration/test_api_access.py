import pytest
from flask import request, request_started

from tests.presentation.orchestration.conftest import BEARER, TOKEN, an_app, an_order

OPERATIONS = [
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v1/orders/po_1"),
    ("GET", "/api/v1/orders/po_1/payment-methods"),
    ("POST", "/api/v1/orders/po_1/pay"),
    ("POST", "/api/v1/orders/po_1/cancel"),
    ("POST", "/api/v1/orders/po_1/refunds"),
    ("GET", "/api/v1/orders/po_1/refunds"),
    ("GET", "/api/v1/refunds/re_1"),
    ("POST", "/api/v1/refunds/re_1/retry"),
    ("POST", "/api/v1/payments"),
    ("GET", "/api/v1/payment-methods"),
]


def test_the_list_of_operations_is_complete(app):
    open_to_all = {"orchestration.openapi_json", "orchestration.docs"}
    rules = {
        (method, rule.rule.replace("<order_id>", "po_1").replace("<refund_id>", "re_1"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("orchestration.") and rule.endpoint not in open_to_all
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert rules == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Bearer ", "Bearer wrong", "Bearer caf\u00e9"),
        *(TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"),
    ],
)
def test_nothing_opens_without_the_token(app, method, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = app.test_client().open(path, method=method, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_is_not_case_sensitive(app):
    answer = app.test_client().get(
        "/api/v1/orders/po_1", headers={"Authorization": f"bearer {TOKEN}"}
    )

    assert answer.status_code == 404


def test_the_documentation_is_open(app):
    for path in ("/api/v1/openapi.json", "/api/v1/docs"):
        assert app.test_client().get(path).status_code == 200


def test_the_api_needs_no_csrf_token_and_sets_no_cookie(api):
    answer = api.client.post("/api/v1/orders", json=an_order(), headers=BEARER)

    assert answer.status_code == 201
    assert "Set-Cookie" not in answer.headers


def test_cookies_do_not_reach_the_api_but_the_pages(app):
    seen = {}

    def look(_sender, **_facts):
        seen[request.path] = dict(request.cookies)

    client = app.test_client()
    client.set_cookie("session", "a staff session")
    with request_started.connected_to(look, app):
        client.get("/api/v1/orders/po_1", headers=BEARER)
        client.get("/healthz")

    assert seen == {"/api/v1/orders/po_1": {}, "/healthz": {"session": "a staff session"}}


def test_without_a_configured_token_the_api_is_open_and_says_so(sqlite_files, caplog):
    with an_app(sqlite_files.new_database_url(), api_token=None) as app:
        answer = app.test_client().post("/api/v1/orders", json=an_order())

    assert answer.status_code == 201
    assert "api_is_open" in caplog.text
