import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from payorch.domain.errors import OrderAlreadyPaid
from tests.presentation.small_site import a_small_site

TOKEN = "uuZ6_ZKhsGvBD8BeSMd7pg"


def line_of(path, failure=None, **options):
    with capture_logs() as log:
        response = a_small_site(failure).test_client().get(path, buffered=True, **options)
    [line] = [line for line in log if line["event"] == "request"]
    return line, response


def test_a_line_names_the_route_and_not_the_address():
    line, _ = line_of(f"/orders/{TOKEN}?email=ana@example.com")

    assert line["route"] == "/orders/<token>"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["duration_ms"] >= 0
    assert TOKEN not in str(line)
    assert "ana" not in str(line)


def test_an_address_that_matches_nothing_is_not_repeated():
    line, response = line_of(f"/ordres/{TOKEN}")

    assert response.status_code == 404
    assert TOKEN not in str(line)


def test_a_line_says_which_problem_was_answered():
    line, _ = line_of("/api/fails", OrderAlreadyPaid("Paid."))

    assert (line["status"], line["problem"]) == (409, "order_already_paid")


def test_the_id_is_ours_whatever_the_client_sends():
    _, response = line_of("/gone", headers={"X-Request-Id": "4242424242424242"})

    assert response.headers["X-Request-Id"].startswith("req_")


def test_each_request_has_an_id_of_its_own_for_all_its_lines():
    app = a_small_site()
    app.add_url_rule("/context", "context", lambda: get_contextvars()["request_id"])
    client = app.test_client()

    first, second = client.get("/context"), client.get("/context")

    assert first.text == first.headers["X-Request-Id"]
    assert first.text != second.text


@pytest.mark.parametrize("path", ["/healthz", "/static/css/theme.css"])
def test_probes_and_files_do_not_drown_the_payments(path):
    line, _ = line_of(path)

    assert line["log_level"] == "debug"
