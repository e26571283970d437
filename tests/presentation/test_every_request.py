"""What holds for every address of the application, by enumeration: tokens, headers, odd input."""

import re
from urllib.parse import urlsplit

import pytest

from payorch.presentation.backoffice.endpoint_permissions import (
    OPEN_ENDPOINTS,
    PERMISSION_OF_ENDPOINT,
    STAFF_ENDPOINTS,
)
from tests.presentation.backoffice.office import Office
from tests.presentation.every_request import differences, every_request, everything_stored
from tests.presentation.populated_office import BEARER, FIELD_NAMES, PopulatedOffice

COUNTED = frozenset({"staff_sessions", "login_counts", "job_counters"})
"""A session knows when it was last used, exports are counted, and the page that says whether the
database takes writes tries one (not each time it is asked)."""

PROVES_ITSELF = {"checkout.send_open_checkout", "checkout.send_order_checkout"}
"""They check their token themselves and show the form again, with what was typed."""

ASKS_A_PROVIDER = {"orders.return_from_provider"}
"""The way back from a provider's page: what the provider answers is written down."""

KEPT_BY_ITS_BROWSER = {"dashboard.figures"}
"""Sums without a customer in them: the browser keeps them, and asks whether they still hold."""

ACCESS_IS_JOURNALLED = {
    "dashboard.export",
    "settlement_differences.export",
    "settlement_differences.export_xlsx",
    "backoffice_orders.export",
    "backoffice_orders.export_xlsx",
    "backoffice_transactions.export",
    "backoffice_transactions.export_xlsx",
    "backoffice_refunds.export",
    "backoffice_refunds.export_xlsx",
    "backoffice_customers.export",
    "backoffice_customers.export_xlsx",
    "backoffice_provider_events.export",
    "backoffice_provider_events.export_xlsx",
    "backoffice_jobs.export",
    "backoffice_jobs.export_xlsx",
}
"""Who took figures away is written down."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

DECLARED = OPEN_ENDPOINTS | STAFF_ENDPOINTS | set(PERMISSION_OF_ENDPOINT)

ODD_TEXTS = {
    "NUL": b"a%00b",
    "broken UTF-8": b"%ff%fe%c3%28",
    "a surrogate": b"%ed%a0%80",
    "a huge number": b"9" * 40,
    "minus": b"-1",
    "not a number": b"1e999",
    "NaN": b"NaN",
    "other digits": "٣٣".encode(),
    "template": b"{{7*7}}",
    "markup": b"%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "SQL": b"%27%20OR%201=1--",
    "a path": b"..%2f..%2fetc%2fpasswd",
    "line ends": b"x%0d%0aSet-Cookie:%20a=b",
    "long": b"A" * 3000,
    "empty": b"",
}

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "http://localhost@evil.example/",
    "/admin/../..//evil.example",
    "/admin/\n//evil.example",
    "https://localhost.evil.example/",
]


@pytest.fixture(scope="module")
def office(sqlite_files, running_sandbox):
    opened = PopulatedOffice(sqlite_files.new_database_url(), running_sandbox.base_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def requests(office):
    """Without those that the door closes for everybody, which test_who_may_do_what asks."""
    return [
        it
        for it in every_request(office.app, office.fill)
        if not it.is_of_backoffice or it.endpoint in DECLARED
    ]


def token_for(visitor, request):
    page = "/admin/account/" if request.is_of_backoffice else "/checkout"
    text = visitor.get(page, follow_redirects=True).text
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)[1]


def closed(answer):
    """Read to its end: files stay open else."""
    answer.get_data()
    answer.close()
    return answer


def sent(office, request, *, query=b"", body=None, **options):
    visitor = office.reader_of(request) if request.is_safe else office.visitor_for(request)
    if request.path.startswith("/api/"):
        options["headers"] = BEARER | {"Idempotency-Key": "k"}
    elif not request.is_safe and body is not None and not request.is_of_machines:
        token = token_for(visitor, request).encode()
        body = b"csrf_token=" + token + b"&" + body
        options["content_type"] = "application/x-www-form-urlencoded"
    return closed(
        visitor.client.open(
            request.path,
            method=request.method,
            query_string=query.decode("latin-1"),
            data=body,
            **options,
        )
    )


def test_a_form_without_its_token_is_refused_and_nothing_is_written(office, requests):
    unsafe = [it for it in requests if not it.is_safe and not it.is_of_machines]
    before = everything_stored(office.database, but=COUNTED)

    answers = {str(it): office.visitor_for(it).client.post(it.path).status_code for it in unsafe}

    assert len(answers) > 55
    assert {name: status for name, status in answers.items() if status != 400} == {}
    assert differences(before, everything_stored(office.database, but=COUNTED)) == {}


def test_reading_a_page_changes_nothing(office, requests):
    reads = [it for it in requests if it.is_safe and it.endpoint not in ASKS_A_PROVIDER]
    declared = [it for it in reads if sent(office, it).status_code < 400]
    assert len(declared) > 55
    writes = {}
    before = everything_stored(office.database, but=COUNTED)

    for request in declared:
        answer = sent(office, request)
        assert answer.status_code < 400, request
        after = everything_stored(office.database, but=COUNTED)
        if found := differences(before, after):
            writes[request.endpoint] = sorted(found)
        before = after

    journalled = {it: ["journal", "journal_head"] for it in ACCESS_IS_JOURNALLED}
    assert writes == journalled


def test_each_answer_carries_the_headers(office, requests):
    for request in requests:
        answer = sent(office, request)
        carried = {name: answer.headers.get(name) for name in HEADERS}
        assert carried == HEADERS, request
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], request
        assert "camera=()" in answer.headers["Permissions-Policy"], request
        assert answer.headers.get("Server") is None
        if not request.endpoint.endswith("static"):
            kept = "private" if request.endpoint in KEPT_BY_ITS_BROWSER else "no-store"
            assert kept in answer.headers["Cache-Control"], request


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no-such-page", 404),
        ("GET", "/api/v1/no-such-thing", 404),
        ("GET", "/admin/no-such-page", 404),
        ("GET", "/static/no-such-file.css", 404),
        ("DELETE", "/checkout", 405),
        ("TRACE", "/checkout", 405),
        ("POST", "/healthz", 405),
        ("PUT", "/api/v1/orders", 405),
    ],
)
def test_answers_without_a_page_carry_the_headers_too(office, method, path, status):
    answer = office.visitor().client.open(path, method=method, headers=BEARER)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_browsers_are_told_to_insist_on_https_everywhere(open_https, requests):
    app = open_https()

    for request in requests:
        answer = closed(app.test_client().open(request.path, method=request.method))
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000"), request


@pytest.fixture
def open_https(sqlite_files):
    opened = []

    def open_one():
        opened.append(Office(sqlite_files.new_database_url(), base_url="https://localhost"))
        return opened[-1].app

    yield open_one
    for each in opened:
        each.close()


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_text_in_an_address_breaks_no_page(office, requests, odd):
    text = ODD_TEXTS[odd].decode("latin-1")
    broken = {}
    for request in requests:
        for argument in request.arguments:
            filled = str(office.fill(request.endpoint, argument))
            path = request.path.replace(filled, text, 1) if filled in request.path else request.path
            client = office.visitor_for(request).client
            answer = closed(client.open(path, method=request.method, headers=BEARER))
            if answer.status_code >= 500:
                broken[str(request)] = answer.status_code
    assert broken == {}


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_text_in_a_query_breaks_no_page(office, requests, odd):
    query = b"&".join(
        name.encode() + b"=" + ODD_TEXTS[odd] for name in (*FIELD_NAMES, "flt0_0", "flt1_1")
    )

    broken = {
        str(request): answer.status_code
        for request in requests
        if request.is_safe
        and request.endpoint not in ASKS_A_PROVIDER
        and (answer := sent(office, request, query=query)).status_code >= 500
    }

    assert broken == {}


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_text_in_a_form_breaks_no_page(office, requests, odd):
    body = b"&".join(name.encode() + b"=" + ODD_TEXTS[odd] for name in FIELD_NAMES)

    broken = {
        str(request): answer.status_code
        for request in requests
        if not request.is_safe and (answer := sent(office, request, body=body)).status_code >= 500
    }

    assert broken == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 20_000,
        b'{"a":' * 5_000,
        b'{"amount_minor": 1e999, "currency": "EUR"}',
        b'{"amount_minor": 99999999999999999999999999, "currency": "EUR"}',
        b'{"amount_minor": 5, "currency": "E\\u0000R", "description": "\\ud800"}',
        b'{"amount_minor": 5, "currency": "EUR", "description": "a\\u0000b", "country": "DE"}',
        b'{"reason": "a\\u0000b", "amount_minor": 1}',
        b'{"amount_minor": 5, "currency": "EUR", "status": "paid", "provider_priority": 1}',
    ],
)
def test_odd_json_is_refused_and_breaks_nothing(office, requests, body):
    for request in requests:
        if not request.is_safe and request.is_of_machines:
            answer = sent(office, request, body=body, content_type="application/json")
            is_empty_for_retry = request.endpoint == "orchestration.retry_refund"
            assert 400 <= answer.status_code < 500 or is_empty_for_retry, (request, answer.text)
            assert answer.mimetype == "application/problem+json"


def test_a_body_that_is_too_large_is_refused_as_such(office, requests):
    large = b"reason=" + b"x" * (300 * 1024)
    as_json = {"content_type": "application/json"}
    wrong = {}
    for request in requests:
        if request.is_safe or request.endpoint == "settlement_reports.upload":
            continue
        answer = sent(office, request, body=large, **(as_json if request.is_of_machines else {}))
        is_a_page = "That was too much" in answer.text
        if answer.status_code != 413 or is_a_page is request.is_of_machines:
            wrong[str(request)] = answer.status_code
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert wrong == {}


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_page_leads_to_another_site(office, requests, target):
    led_away = {}
    for request in requests:
        client = office.reader_of(request).client
        query = {"next": target, "url": target, "return_url": target}
        if not request.is_safe or request.endpoint in ASKS_A_PROVIDER:
            continue
        answer = closed(client.get(request.path, query_string=query))
        location = answer.headers.get("Location", "")
        if urlsplit(location).netloc not in {"", "localhost"} or location.startswith(("//", "/\\")):
            led_away[str(request)] = location
    assert led_away == {}


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("path", ["/admin/login", "/admin/appearance"])
def test_no_form_leads_to_another_site(office, path, target):
    form = {
        "email": office.hire("ada"),
        "password": "correct horse battery staple",
        "appearance": "dark",
        "next": target,
    }

    answer = office.visitor().post(
        path,
        form,
        query_string={"next": target},
        environ_overrides={"REMOTE_ADDR": "203.0.113.9"},
    )

    assert answer.status_code in {200, 302, 303}

    # The login shows its form again for some of them.
    location = answer.headers.get("Location", "/admin/")
    assert urlsplit(location).netloc in {"", "localhost"}
    assert not location.startswith(("//", "/\\"))
