"""`payorch replay`: the replay in the terminal, as CSV and as JSON."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.domain.routing_policy import PolicyEntry
from tests.cli.conftest import Payorch
from tests.databases import open_database
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.shop import Shop, a_method

CODES = ["alpha", "beta"]


@pytest.fixture
def replay(sqlite_files, sandbox):
    """Of 200 orders alpha declined every fifth; beta approved these."""
    with open_database(sqlite_files.new_database_url()) as database:
        shop = Shop(
            database, sandbox_url=sandbox.base_url, methods=[a_method(code) for code in CODES]
        )
        shop.services.change_policy.execute(
            ChangeRoutingPolicy(
                entries=(PolicyEntry("beta", 1), PolicyEntry("alpha", 2)),
                based_on_version=1,
                actor="olga",
                reason="test",
            )
        )
        history = MetricsHistory(database, FrozenClock(datetime.now(UTC)))
        history.orders_with_fallback(200, declined_every=5, candidates=CODES)
        url = database.engine.url.render_as_string(hide_password=False)
        payorch = Payorch(database_url=url, sandbox_url=sandbox.base_url, log_level="ERROR")
        yield lambda *options: payorch("replay", *options)


def test_the_text_says_what_would_have_been_and_how_sure_that_is(replay):
    result = replay("--order", "beta,alpha")

    assert result.exit_code == 0
    text = result.output.replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("With this order the last 7 days would have gone: orders paid")
    assert "EUR, 200 orders" in text
    assert "First-attempt approval         80.0 % -> " in text
    assert "Tried first: Beta 0.0 % -> 100.0 %, Alpha 100.0 % -> 0.0 %" in text
    assert "The first provider of 0.0 % of the orders rests on the log itself" in text
    assert "No first provider was left to chance" in text


def test_an_order_that_was_in_force_changes_nothing(replay):
    by_version = replay("--version", "1").output
    by_order = replay("--order", "alpha,beta").output

    assert "First-attempt approval         80.0" in by_version
    assert "unchanged" in by_version
    assert by_order == by_version


def test_without_a_choice_the_policy_in_force_is_replayed(replay):
    assert "Beta 0.0" in replay().output


def test_json_and_csv_have_the_same_numbers(replay):
    data = json.loads(replay("--order", "beta,alpha", "--format", "json").output)
    rows = list(csv.DictReader(io.StringIO(replay("--order", "beta", "--format", "csv").output)))

    conversion = data["parts"]["EUR"]["figures"]["first_approval"]
    row = next(r for r in rows if (r["currency"], r["figure"]) == ("EUR", "first_approval"))
    assert float(row["was"]) == pytest.approx(conversion["was"]) == 0.8
    assert float(row["would_be"]) == pytest.approx(conversion["would_be"], abs=1e-6)
    assert float(row["change_low"]) == pytest.approx(conversion["change"]["low"], abs=1e-6)
    assert data["parts"]["all"]["orders"] == 200
    assert data["parts"]["EUR"]["figures"]["fees_minor"] is None
    assert data["parts"]["EUR"]["first_provider"]["beta"] == {"was": 0.0, "would_be": 1.0}


def test_exploration_and_weights_are_replayed_too(replay):
    weights = json.loads(replay("--order", "alpha:30+beta:70", "--format", "json").output)
    explored = json.loads(
        replay("--order", "alpha,beta", "--exploration", "10", "--format", "json").output
    )

    assert weights["parts"]["EUR"]["first_provider"]["beta"]["would_be"] == pytest.approx(0.7)
    assert explored["parts"]["EUR"]["first_provider"]["beta"]["would_be"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--order", "omega"), "there is no provider 'omega'"),
        (("--order", "alpha:x"), "'alpha:x' is no provider:weight"),
        (("--order", "alpha,alpha"), "alpha stands twice"),
        (("--order", "alpha:5000"), "a weight 0 to 1000"),
        (("--version", "9"), "There is no version 9"),
        (("--draft-of", "olga@example.org"), "has no draft"),
        (("--version", "1", "--order", "alpha"), "Give one of"),
        (("--days", "90"), "90 is not in the range"),
    ],
)
def test_what_cannot_be_replayed_is_said(replay, options, problem):
    result = replay(*options)

    assert result.exit_code == 2
    assert problem in result.output
