"""`payorch report`: the dashboard's numbers, as text, CSV and JSON."""

import csv
import io
import json

import pytest

from payorch.presentation.backoffice.dashboard.chart_tables import TABLE_NAMES
from tests.cli.conftest import Payorch
from tests.databases import open_database
from tests.shop import Shop, a_card, a_method, an_order

DECLINED = "4000000000000416"
FALLBACK = "4300000000000017"


@pytest.fixture
def report(sqlite_files, sandbox):
    """Of 40 payments: 36 approved at once, 2 by the second provider, 2 declined."""
    with open_database(sqlite_files.new_database_url()) as database:
        shop = Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=[a_method("alpha"), a_method("beta")],
        )
        for card in ["4242424242424242"] * 36 + [FALLBACK] * 2 + [DECLINED] * 2:
            shop.pay(new_order=an_order(1000), instrument=a_card(card))
        url = database.engine.url.render_as_string(hide_password=False)
        payorch = Payorch(database_url=url, sandbox_url=sandbox.base_url, log_level="ERROR")
        yield lambda *options: payorch("report", *options)


def test_the_text_names_each_number_with_its_interval_and_n(report):
    result = report("--last", "2h")

    assert result.exit_code == 0
    text = result.output
    assert "Order conversion        95.0 %  (95 %: 83.5 to 98.6 %, n = 40)" in text
    assert "First-attempt approval  90.0 %  (95 %: 76.9 to 96.0 %, n = 40)" in text
    assert "Recovered orders        2  (€20.00)" in text
    assert "Not enough data before to compare" in text
    assert "Alpha" in text
    assert "€360.00" in text


def test_json_has_the_same_numbers_and_every_table(report):
    data = json.loads(report("--last", "2h", "--format", "json").output)

    assert data["order_conversion"]["now"]["n"] == 40
    assert data["order_conversion"]["now"]["rate"] == 0.95
    assert data["first_attempt_approval"]["now"]["rate"] == 0.9
    assert data["recovered"] == {"orders": 2, "revenue_minor": {"EUR": 2000}}
    assert set(data["tables"]) == set(TABLE_NAMES)
    money = {row["Provider"]: row["Approved"] for row in data["tables"]["money"]}
    assert money == {
        "Alpha": {"amount_minor": 36_000, "currency": "EUR"},
        "Beta": {"amount_minor": 2_000, "currency": "EUR"},
    }


def test_csv_is_one_table_with_plain_numbers(report):
    result = report("--last", "2h", "--format", "csv", "--table", "outcomes")

    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert [(row["Provider"], row["All attempts"]) for row in rows] == [
        ("Alpha", "40"),
        ("Beta", "2"),
    ]


def test_a_provider_and_a_currency_narrow_it(report):
    options = ("--last", "2h", "--format", "json", "--no-compare")

    of_beta = json.loads(report(*options, "--provider", "beta").output)
    in_dollars = json.loads(report(*options, "--currency", "usd").output)

    assert [row["Provider"] for row in of_beta["tables"]["providers"]] == ["Beta"]
    assert of_beta["first_attempt_approval"]["before"] is None
    assert in_dollars["order_conversion"]["now"] == {
        "rate": None,
        "low": None,
        "high": None,
        "n": 0,
    }


def test_too_few_payments_are_told_instead_of_a_rate(report):
    text = report("--last", "2h", "--provider", "beta").output

    assert "Not enough data" in text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--last", "soon"), "Say how far back"),
        (("--last", "all"), "--last lies between 1m and 200d"),
        (("--last", "0m"), "--last lies between 1m and 200d"),
        (("--last", "999d"), "--last lies between 1m and 200d"),
        (("--provider", "omega"), "No such provider: omega. There are: none."),
        (("--table", "moods"), "moods"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_what_can_be(payorch, options, problem):
    result = payorch("report", *options)

    assert result.exit_code == 2
    assert problem in result.output


def test_an_empty_database_gives_an_empty_report(payorch):
    result = payorch("report", "--last", "1h")

    assert result.exit_code == 0
    assert "nothing in this time" in result.output
