import re

import pytest
from flask import Flask

from payorch import paths
from payorch.config import Settings
from payorch.presentation import (
    checkout,
    errors,
    localization,
    page_context,
    security_headers,
    services,
)
from payorch.presentation.csrf import csrf
from tests.presentation.checkout.fake_services import FakeServices

GOOD_FORM = {
    "amount": "12.50",
    "currency": "EUR",
    "description": "Invoice 7",
    "country": "DE",
    "provider": "",
    "name": "Ana Lopez",
    "email": "ana@example.com",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "09/29",
    "card_cvc": "123",
    "card_holder": "",
}


@pytest.fixture
def settings():
    return Settings()


@pytest.fixture
def fakes():
    return FakeServices()


@pytest.fixture
def app(fakes, settings):
    app = Flask("payorch", template_folder=str(paths.TEMPLATES), static_folder=str(paths.STATIC))
    app.config.update(SECRET_KEY="test", TESTING=True)
    services.init_app(app, fakes, settings)
    csrf.init_app(app)
    security_headers.init_app(app)
    page_context.init_app(app)
    localization.init_app(app)
    errors.init_app(app)
    checkout.init_app(app)
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def send(client):
    """Open the form at `url` and send it as a browser would, with `changes` typed in."""

    def send_form(url="/checkout", *, form_of=None, **changes):
        hidden = hidden_fields(client.get(form_of or url).text)
        fields = {**GOOD_FORM, **hidden, **changes}
        return client.post(url, data={k: v for k, v in fields.items() if v is not None})

    return send_form


def hidden_fields(page):
    """The CSRF token and the submit key of a page."""
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    pairs = (re.search(r'name="([^"]+)".*value="([^"]*)"', each) for each in inputs)
    return {pair[1]: pair[2] for pair in pairs if pair}
