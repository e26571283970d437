"""Every endpoint of the API against every scope, no key, and keys that open nothing any more."""

import io
import logging
from datetime import timedelta

import pytest
from sqlalchemy import event, inspect, text

from payorch.application.manage_api_keys import RotateApiKey
from payorch.config import DEVELOPMENT_SECRET
from payorch.domain.api_key import KeyMode, Scope
from payorch.domain.api_key_text import KeyText, read_key
from payorch.domain.errors import LedgerUnavailable
from payorch.factory import wired
from payorch.infrastructure.observability import structured_logging
from payorch.infrastructure.persistence.api_key_book import SqlAlchemyApiKeyBook
from payorch.presentation.orchestration import scopes
from tests.api_keys import a_key, bearer, creation, key_desk, scopes_but
from tests.fakes import FakeClock
from tests.presentation.orchestration.conftest import ON_BOTH_DATABASES, TOKEN, an_app, an_order
from tests.presentation.orchestration.test_refusals import a_problem

pytestmark = ON_BOTH_DATABASES

METHODS = "/api/v1/payment-methods?amount_minor=100&currency=EUR&country=DE"
HOME = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(scope="module")
def database(app):
    return wired(app).database


@pytest.fixture(scope="module")
def keys(database):
    """A key for each scope, each with everything but one scope, and those that open nothing."""
    expired, revoked = "A key that has expired", "A key that was revoked"
    long_ago = FakeClock()
    long_ago.started -= timedelta(days=3000)
    made = {f"only {scope}": a_key(database, f"Only {scope}", scopes=[scope]) for scope in Scope}
    made |= {
        f"all but {scope}": a_key(database, f"All but {scope}", scopes=scopes_but(scope))
        for scope in Scope
    }
    made["revoked"] = a_key(database, revoked)
    key_desk(database).revoke(made["revoked"].key.id, actor="ada", reason="lost")
    made["expired"] = key_desk(database, clock=long_ago).create(creation(expired))
    made["live"] = key_desk(database, mode=KeyMode.LIVE).create(creation("Live"))
    made["of elsewhere"] = a_key(database, "Elsewhere", networks=["203.0.113.0/24"])
    return {name: key.text for name, key in made.items()}


def operations(app):
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.endpoint not in scopes.OPEN_ENDPOINTS:
            path = rule.rule.replace("<order_id>", "po_1").replace("<refund_id>", "re_1")
            for method in rule.methods - {"OPTIONS"}:
                yield rule.endpoint, method, path


def asked(app, method, path, key=None, **options):
    headers = {} if key is None else bearer(key)
    return app.test_client().open(path, method=method, headers=headers, **options)


def test_every_endpoint_has_exactly_one_scope(app):
    endpoints = {endpoint for endpoint, _, _ in operations(app)}

    assert set(scopes.SCOPE_OF_ENDPOINT) == endpoints
    assert set(scopes.SCOPE_OF_ENDPOINT.values()) == set(Scope)
    assert all(endpoint.startswith("orchestration.") for endpoint in endpoints)


def test_each_scope_opens_its_endpoints_and_no_other(app, keys):
    for endpoint, method, path in operations(app):
        needed = scopes.SCOPE_OF_ENDPOINT[endpoint]
        for scope in Scope:
            only = asked(app, method, path, keys[f"only {scope}"])
            without = asked(app, method, path, keys[f"all but {scope}"])
            assert (only.status_code in {401, 403}) is (scope is not needed), (path, scope)
            assert (without.status_code in {401, 403}) is (scope is needed), (path, scope)


def test_asking_what_an_address_takes_needs_a_key_too(app, keys):
    for _, _, path in operations(app):
        assert asked(app, "OPTIONS", path).status_code == 401
        assert asked(app, "OPTIONS", path, TOKEN).status_code == 200


def test_the_missing_scope_is_named(app, keys):
    for endpoint, method, path in operations(app):
        needed = scopes.SCOPE_OF_ENDPOINT[endpoint]
        answer = asked(app, method, path, keys[f"all but {needed}"])
        assert answer.status_code == 403
        assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]
        if method != "HEAD":
            a_problem(answer, 403, "insufficient_scope")
            assert answer.json["scope"] == needed
            assert needed in answer.json["detail"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("revoked", 401, "api_key_revoked"),
        ("expired", 401, "api_key_expired"),
        ("live", 401, "api_key_of_other_mode"),
        ("of elsewhere", 403, "address_not_allowed"),
    ],
)
def test_nothing_opens_with_a_key_that_is_not_in_force(app, keys, name, status, code):
    for _, method, path in operations(app):
        answer = asked(app, method, path, keys.get(name))
        assert answer.status_code == status, path
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        if method != "HEAD":
            a_problem(answer, status, code)


def test_an_endpoint_that_names_no_scope_is_closed_even_for_the_token(app, monkeypatch):
    monkeypatch.setattr(
        "payorch.presentation.orchestration.api_access.SCOPE_OF_ENDPOINT",
        {},
    )

    a_problem(asked(app, "GET", METHODS, TOKEN), 403, "insufficient_scope")


def test_an_unknown_id_and_a_wrong_secret_get_the_same_answer(app, keys):
    known = read_key(keys["only methods:read"])
    answers = [
        asked(app, "GET", METHODS, KeyText.of(known.mode, key_id, "w" * 43).text)
        for key_id in (known.id, "00000000")
    ]

    bodies = [
        {name: value for name, value in answer.json.items() if name != "incident_id"}
        for answer in answers
    ]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "unauthorized"
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {
        'Bearer realm="payorch", error="invalid_token"'
    }


def test_a_mistyped_key_is_told_so(app, keys):
    a_problem(asked(app, "GET", METHODS, keys["only methods:read"][:-1]), 401, "api_key_mistyped")


def test_a_key_of_the_other_mode_is_told_which_one_is_wanted(app, keys):
    assert "This is a live key" in asked(app, "GET", METHODS, keys["live"]).json["detail"]


def test_a_revoked_key_is_refused_from_the_next_request_on(app, database):
    made = a_key(database, "Revoked soon")
    assert asked(app, "GET", METHODS, made.text).status_code == 200

    key_desk(database).revoke(made.key.id, actor="ada", reason="lost")

    a_problem(asked(app, "GET", METHODS, made.text), 401, "api_key_revoked")


def test_a_key_works_from_its_networks(app, keys):
    answer = asked(app, "GET", METHODS, keys["of elsewhere"], environ_overrides=HOME)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    ["key={key}", "amount_minor={key}", "{key}=1", "api_key=secret", "access_token=x", "API_KEY="],
)
def test_a_key_in_the_address_is_refused_and_not_logged(app, keys, log, query):
    key = keys["only methods:read"]
    address = f"/api/v1/payment-methods?{query.format(key=key)}"

    answer = asked(app, "GET", address, key)

    a_problem(answer, 400, "api_key_in_url")
    assert key not in answer.text + log.getvalue()
    assert read_key(key).text.split("_")[3] not in log.getvalue()


def test_refunds_and_cancellations_say_which_key_asked(app, database):
    made = a_key(database, "Cancels")
    headers = bearer(made.text)
    client = app.test_client()
    order = client.post("/api/v1/orders", json=an_order(), headers=headers).json

    client.post(f"/api/v1/orders/{order['id']}/cancel", json={"reason": "changed"}, headers=headers)

    with database.read() as connection:
        actors = connection.execute(
            text("SELECT actor FROM journal WHERE subject = :subject"),
            {"subject": f"order:{order['id']}"},
        ).scalars()
        assert list(actors) == [f"api key {made.key.label}"]


def used_at(database, made):
    return key_desk(database).key(made.key.id).last_used_at


def test_use_is_written_down_after_the_answer(app, database):
    made = a_key(database, "Used")

    answer = asked(app, "GET", METHODS, made.text)

    assert used_at(database, made) is None
    answer.close()
    assert used_at(database, made) is not None


def test_a_refused_key_was_not_used(app, database):
    made = a_key(database, "Not used", networks=["203.0.113.0/24"])

    asked(app, "GET", METHODS, made.text).close()

    assert used_at(database, made) is None


def test_a_use_that_cannot_be_written_down_fails_nothing(app, database, log, monkeypatch):
    made = a_key(database, "Cannot be noted")

    def gone(*_arguments, **_options):
        raise LedgerUnavailable("gone")

    monkeypatch.setattr(SqlAlchemyApiKeyBook, "note_use", gone)

    answer = asked(app, "GET", METHODS, made.text)
    answer.close()

    assert answer.status_code == 200
    assert "api_key_use_not_noted" in log.getvalue()
    assert made.text not in log.getvalue()


def test_a_request_with_a_key_costs_one_statement_more_than_one_with_the_token(app, database):
    made = a_key(database, "Counted")
    statements = []
    event.listen(
        database.engine, "before_cursor_execute", lambda *facts: statements.append(facts[2])
    )

    def cost(key):
        statements.clear()
        asked(app, "GET", "/api/v1/orders/po_1", key)
        return len(statements)

    assert cost(made.text) == cost(TOKEN) + 1


@pytest.fixture
def log():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    structured_logging.configure("DEBUG", stream=stream)
    yield stream
    root.handlers[:] = before[1]
    root.setLevel(before[0])


def everything_stored(database):
    with database.read() as connection:
        tables = inspect(connection).get_table_names()
        return "\n".join(
            str(connection.execute(text(f'SELECT * FROM "{table}"')).all()) for table in tables
        )


def test_a_secret_is_nowhere_after_it_was_made_and_used(app, database, log):
    services = wired(app).services
    made = services.api_keys.create(creation("Secret"))
    new = services.api_keys.rotate(
        RotateApiKey(key_id=made.key.id, actor="ada", reason="a year is over")
    )
    client = app.test_client()
    for key in (made.text, new.text):
        order = client.post("/api/v1/orders", json=an_order(), headers=bearer(key)).json
        client.get(f"/api/v1/orders/{order['id']}", headers=bearer(key)).close()
        client.get(f"/api/v1/orders/{key}", headers=bearer(key)).close()
        client.get(f"/api/v1/nothing/{key}?key={key}", headers=bearer(key)).close()
    services.api_keys.revoke(made.key.id, actor="ada", reason="the new one is in place")
    client.get(METHODS, headers=bearer(made.text)).close()

    stored = everything_stored(database)

    assert made.key.id in stored
    for key in (made.text, new.text):
        _, _, _, secret, _ = key.split("_")
        assert secret not in stored + log.getvalue()
        assert key not in stored + log.getvalue()


PRODUCTION = {
    "env": "production",
    "secret_key": DEVELOPMENT_SECRET,
    "base_url": "https://pay.example.org",
    "trusted_hosts": ("localhost",),
    "sandbox_url": None,
}


def test_production_without_a_token_is_closed_until_there_is_a_key(new_database_url, caplog):
    with an_app(new_database_url(), api_token=None, **PRODUCTION) as app:
        a_problem(asked(app, "GET", METHODS), 401, "unauthorized")
        assert "api_is_open" not in caplog.text

        database = wired(app).database
        made = wired(app).services.api_keys.create(creation())

        assert made.text.startswith("po_live_")
        assert asked(app, "GET", METHODS, made.text).status_code == 200
        test_key = key_desk(database).create(creation("Test")).text
        refused = asked(app, "GET", METHODS, test_key)
        a_problem(refused, 401, "api_key_of_other_mode")
        assert "This is a test key" in refused.json["detail"]


def test_the_first_key_closes_an_open_development(new_database_url):
    with an_app(new_database_url(), api_token=None) as app:
        assert asked(app, "GET", METHODS).status_code == 200

        made = a_key(wired(app).database)

        a_problem(asked(app, "GET", METHODS), 401, "unauthorized")
        assert asked(app, "GET", METHODS, made.text).status_code == 200
