from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel

from payorch.presentation import page_context
from payorch.presentation.page_context import utc_time


@pytest.fixture
def app():
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "es_MX")
    page_context.init_app(app)
    return app


def test_template_writes_money_and_language_for_the_reader(app):
    with app.test_request_context():
        text = render_template_string("{{ page_language() }} {{ 123450 | money('EUR') }}")

    assert text == "es-MX EUR1,234.50"


def test_money_can_be_written_outside_of_a_request(app):
    assert page_context.money(100, "USD") == "$1.00"


def test_times_are_shown_in_utc_whatever_zone_they_came_in():
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert '<time datetime="2026-02-28T23:30:00.000000Z"' in utc_time(moment)
    assert utc_time(moment).endswith(">2026-02-28 23:30:00</time>")


def test_time_without_a_zone_is_taken_as_utc():
    naive = datetime(2026, 3, 1, 1, 30)  # noqa: DTZ001 - SQLite hands these out

    assert utc_time(naive) == utc_time(naive.replace(tzinfo=UTC))


def test_moment_that_has_not_come_is_a_dash():
    assert utc_time(None) == "-"
