"""What the API refuses, and that it never repeats what was sent."""

import io
import json

import pytest

from payorch.presentation.orchestration.problem_codes import PROBLEM_CODES
from tests.presentation.orchestration.conftest import BEARER, a_card, an_order

JSON = {**BEARER, "Content-Type": "application/json", "Idempotency-Key": "refused"}
CANARY = "5105105105105100"


def a_problem(answer, status, code):
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["code"] == code
    assert answer.json["status"] == status
    assert answer.json["incident_id"] == answer.headers["X-Request-Id"]
    assert (code, status) in {(problem.code, problem.status) for problem in PROBLEM_CODES}
    return answer.json


@pytest.mark.parametrize(
    "path", ["/api/v1", "/api/v1/nothing", "/api/v2/orders", "/api/v1/orders/"]
)
def test_an_unknown_address_is_a_problem(api, path):
    a_problem(api.client.get(path, headers=BEARER), 404, "not_found")


def test_a_wrong_method_is_a_problem(api):
    answer = api.client.delete("/api/v1/orders", headers=BEARER)

    a_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_anything_but_json_is_refused(api, content_type):
    headers = {**JSON, "Content-Type": content_type}

    a_problem(
        api.client.post("/api/v1/payments", data=json.dumps(an_order()), headers=headers),
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"{'a': 1}",
        b"[" * 10_000,
        b'{"description": "\\ud800"}',
        b"\x00",
    ],
)
def test_what_is_no_json_is_refused(api, body):
    a_problem(api.client.post("/api/v1/payments", data=body, headers=JSON), 400, "malformed_json")


def test_a_large_body_is_refused(api):
    body = json.dumps(an_order(description="x" * 65_536))

    a_problem(
        api.client.post("/api/v1/payments", data=body, headers=JSON),
        413,
        "request_entity_too_large",
    )


def test_a_large_body_in_chunks_is_refused_too(api):
    body = json.dumps(an_order()).encode() + b" " * 70_000
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = api.client.post(
        "/api/v1/payments",
        input_stream=io.BytesIO(body),
        headers=JSON,
        environ_overrides={**chunked, "CONTENT_LENGTH": ""},
    )

    a_problem(answer, 413, "request_entity_too_large")


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"amount_minor": 0}, ["amount_minor"]),
        ({"amount_minor": -1}, ["amount_minor"]),
        ({"amount_minor": 12.5}, ["amount_minor"]),
        ({"amount_minor": "1250"}, ["amount_minor"]),
        ({"amount_minor": True}, ["amount_minor"]),
        ({"amount_minor": 10**13}, ["amount_minor"]),
        ({"amount_minor": None}, ["amount_minor"]),
        ({"currency": "EUX"}, ["currency"]),
        ({"currency": "eur"}, ["currency"]),
        ({"currency": "XAU"}, ["currency"]),
        ({"country": "XX"}, ["country"]),
        ({"country": "de"}, ["country"]),
        ({"description": ""}, ["description"]),
        ({"description": " "}, ["description"]),
        ({"description": "a\nb"}, ["description"]),
        ({"description": "a\x00b"}, ["description"]),
        ({"description": "x" * 201}, ["description"]),
        ({"customer": {"name": "Ana"}}, ["customer", "email"]),
        ({"customer": {"name": "Ana", "email": "ana"}}, ["customer", "email"]),
        ({"customer": {"name": "Ana", "email": "a\n@b.example"}}, ["customer", "email"]),
        ({"metadata": {"a": 1}}, ["metadata", "a"]),
        ({"metadata": {str(n): "x" for n in range(21)}}, ["metadata"]),
        ({"expires_in_minutes": 0}, ["expires_in_minutes"]),
        ({"status": "paid"}, ["status"]),
        ({"card": a_card(number="4242424242424243")}, ["card", "number"]),
        ({"card": a_card(number="4242 4242 4242 4242")}, ["card", "number"]),
        ({"card": a_card(cvc="12")}, ["card", "cvc"]),
        ({"card": a_card(exp_month=13)}, ["card", "exp_month"]),
        ({"card": a_card(pin="1234")}, ["card", "pin"]),
        ({"provider": "Alpha!"}, ["provider"]),
    ],
)
def test_a_field_that_does_not_fit_is_named(api, sandbox, changes, loc):
    problem = a_problem(api.post("/payments", an_order(**changes)), 422, "validation_error")

    assert loc in [error["loc"] for error in problem["errors"]]
    assert all(set(error) == {"loc", "msg", "type"} for error in problem["errors"])
    assert sandbox.ledger()["payments"] == []


@pytest.mark.parametrize(
    "body",
    [
        an_order(card=a_card(number=f"{CANARY}x")),
        an_order(card=a_card(cvc=CANARY)),
        an_order(card=CANARY),
        an_order(amount_minor=CANARY),
        an_order(currency=CANARY, country=CANARY),
        an_order(provider=f"{CANARY}!"),
        an_order(**{CANARY: 1}),
        an_order(metadata={f"{CANARY} ": "x"}),
        an_order(metadata={CANARY: 1}),
        an_order(customer={"name": "Ana", "email": CANARY, "fields": {CANARY: "x"}}),
        [CANARY],
        CANARY,
        int(CANARY),
    ],
)
def test_no_refusal_repeats_what_was_sent(api, body, caplog, capfd):
    answer = api.post("/payments", body)

    assert answer.status_code == 422
    assert CANARY not in answer.text
    assert CANARY not in caplog.text + "".join(capfd.readouterr())


def test_a_malformed_body_is_not_repeated_either(api, caplog):
    answer = api.client.post("/api/v1/payments", data=f'{{"{CANARY}', headers=JSON)

    assert CANARY not in answer.text + str(answer.headers) + caplog.text


@pytest.mark.parametrize(
    "query",
    ["", "amount_minor=x&currency=EUR&country=DE", "amount_minor=1&currency=EUR&country=DE&z=1"],
)
def test_a_query_that_does_not_fit_is_named(api, query):
    a_problem(api.get(f"/payment-methods?{query}"), 422, "validation_error")
