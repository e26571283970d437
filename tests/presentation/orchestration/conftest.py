"""The whole application on a fresh database, with the practice provider as its only peer."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.demo_providers import DEMO_POLICY, publish_first_policy, seed_methods
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.wiring import Seams
from tests.databases import NewUrl
from tests.sandbox_process import SandboxProcess

TOKEN = "an-api-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

APPROVED = "4242424242424242"
INSUFFICIENT_FUNDS = "4000000000000515"
FIRST_ACCOUNT_NOT_PROCESSED = "4300000000000033"
CHALLENGE = "4200000000000018"
PENDING_THEN_APPROVED = "4200000000000026"


def a_card(number: str = APPROVED, **changes: object) -> dict[str, object]:
    return {
        "number": number,
        "exp_month": 12,
        "exp_year": 2031,
        "cvc": "737",
        "holder": "Ana Cliente",
        **changes,
    }


def an_order(**changes: object) -> dict[str, object]:
    return {
        "amount_minor": 1250,
        "currency": "EUR",
        "description": "Two tickets",
        "country": "DE",
        **changes,
    }


_NUMBERS = itertools.count()


class Api:
    """A client of the API: bearer token set, a new idempotency key for each call unless given."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._keys = (f"key-{number}" for number in _NUMBERS)

    def post(self, path: str, body: object, *, key: str | None = None, **options: Any) -> Any:
        headers = {**BEARER, "Idempotency-Key": key or next(self._keys)}
        return self.client.post(f"/api/v1{path}", json=body, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=BEARER, **options)


@contextmanager
def an_app(url: str, *, seams: Seams | None = None, **changes: Any) -> Iterator[Flask]:
    """A running application with the demo's payment methods and policy."""
    settings = Settings(database_url=url, **{"api_token": TOKEN, **changes})
    app = create_app(settings, seams)
    database = wired(app).database
    now = wired(app).services.clock.now()
    seed_methods(SqlAlchemyPaymentMethodRepository(database), at=now)
    publish_first_policy(wired(app).services.policies, DEMO_POLICY, at=now)
    yield app
    database.engine.dispose()


ON_BOTH_DATABASES = pytest.mark.parametrize(
    "engine", ["sqlite", "postgresql"], indirect=True, scope="module"
)
"""For modules whose promises rest on the database's constraints; the others run on SQLite."""


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="module")
def new_database_url(request: pytest.FixtureRequest, engine: str) -> NewUrl:
    databases = {"sqlite": "sqlite_files", "postgresql": "postgresql"}[engine]
    return request.getfixturevalue(databases).new_database_url


@pytest.fixture(scope="module")
def app(new_database_url: NewUrl, running_sandbox: SandboxProcess) -> Iterator[Flask]:
    with an_app(new_database_url(), sandbox_url=running_sandbox.base_url) as made:
        yield made


@pytest.fixture
def api(app: Flask, sandbox: SandboxProcess) -> Api:
    return Api(app.test_client())
