import pytest
from flask import render_template
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from payorch.domain import errors as facts
from payorch.domain import second_person_errors
from payorch.presentation.errors import STATUS_BY_ERROR
from payorch.presentation.orchestration.problem_codes import PROBLEM_CODES
from tests.presentation.small_site import a_small_site

SECRET = "a secret of the inside"


def every_error() -> list[type[facts.PayorchError]]:
    """Those that a request can end in; others mean a mistake of ours and are a 500."""
    raised = (facts.__name__, second_person_errors.__name__)
    return [e for e in facts.PayorchError.__subclasses__() if e.__module__ in raised]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_every_named_fact_has_a_status(error):
    assert error in STATUS_BY_ERROR


@pytest.mark.parametrize("error", STATUS_BY_ERROR, ids=lambda error: error.__name__)
def test_every_named_fact_is_documented_with_its_status(error):
    documented = {problem.code: problem.status for problem in PROBLEM_CODES}

    assert documented[error.code] == STATUS_BY_ERROR[error]


def test_a_person_gets_a_page_and_a_machine_a_problem():
    client = a_small_site(facts.OrderNotFound("There is no such order.")).test_client()

    page = client.get("/fails", headers={"Accept": "text/html,*/*;q=0.8"})
    of_the_api = client.get("/api/fails", headers={"Accept": "text/html"})
    asked_for = client.get("/fails", headers={"Accept": "application/json"})

    assert (page.status_code, page.mimetype) == (404, "text/html")
    for answer in (of_the_api, asked_for):
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.json["code"] == "order_not_found"
        assert answer.json["detail"] == "There is no such order."
        assert answer.json["type"] == "/api/v1/docs#problem-order_not_found"
        assert answer.json["incident_id"] == answer.headers["X-Request-Id"]


def test_what_helps_the_caller_stands_in_the_problem():
    failure = facts.PaymentInProgress("Wait.", order_id="po_1", retry_after_s=7)

    answer = a_small_site(failure).test_client().get("/api/fails")

    assert answer.status_code == 409
    assert answer.headers["Retry-After"] == "7"
    assert (answer.json["order_id"], answer.json["retry_after_s"]) == ("po_1", 7)
    assert "reasons" not in answer.json


def test_an_unexpected_error_shows_its_incident_id_and_nothing_else():
    client = a_small_site(RuntimeError(SECRET)).test_client()

    with capture_logs() as log:
        page = client.get("/fails")
        problem = client.get("/api/fails")

    [first, second] = [line for line in log if line["event"] == "unexpected_error"]
    assert (page.status_code, problem.status_code) == (500, 500)
    assert first["incident_id"] in page.text
    assert first["exc_info"].args == (SECRET,)
    assert second["incident_id"] == problem.json["incident_id"]
    assert SECRET not in page.text + problem.text


def test_the_error_page_comes_even_when_its_template_is_broken(monkeypatch):
    app = a_small_site(RuntimeError(SECRET))
    app.jinja_env.globals["page_language"] = None  # base.html calls it

    answer = app.test_client().get("/fails")

    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert SECRET not in answer.text
    with app.test_request_context(), pytest.raises(TypeError):
        render_template("errors/error.html")


def test_the_page_speaks_the_visitors_language():
    client = a_small_site().test_client()

    english = client.get("/nowhere", headers={"Accept-Language": "en"})
    spanish = client.get("/nowhere", headers={"Accept-Language": "es"})

    assert (english.status_code, spanish.status_code) == (404, 404)
    assert 'lang="en"' in english.text
    assert 'lang="es"' in spanish.text


def test_framework_errors_keep_their_headers():
    answer = a_small_site().test_client().post("/api/fails")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json["code"] == "method_not_allowed"


def test_redirects_are_no_errors():
    answer = a_small_site().test_client().get("/away")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/fails")


def test_an_outage_of_the_ledger_is_logged_and_says_when_to_come_back():
    client = a_small_site(facts.LedgerUnavailable("The database does not answer.")).test_client()

    with capture_logs() as log:
        answer = client.get("/api/fails")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert [line["event"] for line in log if line["log_level"] == "error"] == ["unavailable"]


def test_only_a_refused_intent_says_that_nothing_was_charged():
    before_sending = facts.LedgerUnavailable("The database does not answer.")
    at_any_time = OperationalError("SELECT 1", {}, Exception("gone"))

    [first, second] = [
        a_small_site(error).test_client().get("/fails") for error in (before_sending, at_any_time)
    ]

    assert (first.status_code, second.status_code) == (503, 503)
    assert "you will not be charged twice" in first.text
    assert "you will not be charged twice" not in second.text
    assert second.headers["Retry-After"] == "5"
