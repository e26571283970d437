"""The settlement report of an account: what was charged and given back, as CSV."""

import csv
import io
import urllib.request

import pytest
from click.testing import CliRunner

from payorch.cli.sandbox import sandbox as command
from payorch.sandbox_provider.settlement_report import fee_of

from .practice_merchant import PracticeMerchant

DECLINED = "4000000000000515"


def report(merchant: PracticeMerchant, query: str = "") -> list[dict[str, str]]:
    request = urllib.request.Request(  # noqa: S310 - an address of this machine
        f"{merchant.sandbox.base_url}/{merchant.account}/v1/settlements.csv{query}",
        headers={"Authorization": f"Bearer {merchant.sandbox.api_key(merchant.account)}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        assert answer.headers["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.read().decode())))


def test_payments_and_refunds_are_settled_and_declined_ones_are_not(alpha: PracticeMerchant):
    _, paid = alpha.pay(reference="paid")
    alpha.pay(DECLINED, reference="declined")
    alpha.post(f"/payments/{paid['id']}/refunds", {"amount": 500, "reference": "back"}, key="r")

    payment, refund = report(alpha)

    assert (payment["type"], payment["id"], payment["reference"]) == ("payment", paid["id"], "paid")
    assert (payment["gross"], payment["fee"], payment["net"]) == ("19.99", "-0.52", "19.47")
    assert (refund["type"], refund["reference"], refund["gross"]) == ("refund", "back", "-5.00")
    assert payment["settled_on"] == payment["payout_id"].rsplit("_", 1)[1][:4] + "-" + (
        f"{payment['settled_on'][5:7]}-{payment['settled_on'][8:]}"
    )


def test_days_may_be_chosen(alpha: PracticeMerchant):
    alpha.pay(reference="paid")
    (line,) = report(alpha)
    day = line["settled_on"]

    assert len(report(alpha, f"?since={day}&until={day}")) == 1
    assert report(alpha, "?until=2001-01-01") == []
    assert alpha.get("/settlements.csv?since=yesterday")[0] == 422


def test_a_long_report_is_whole(alpha: PracticeMerchant, monkeypatch):
    for number in range(7):
        alpha.pay(reference=f"r{number}")

    assert [line["reference"] for line in report(alpha)] == [f"r{n}" for n in range(7)]


def test_an_amount_of_a_currency_without_decimals_has_none(alpha: PracticeMerchant):
    alpha.pay(reference="yen", currency="JPY", amount=500)

    (line,) = report(alpha)

    assert (line["gross"], line["fee"]) == ("500", "-8")


@pytest.mark.parametrize(
    ("account", "amount", "currency", "fee"),
    [
        ("alpha", 1999, "EUR", 52),
        ("beta", 10_000, "EUR", 265),
        ("alpha", 1999, "BHD", 232),
        ("who", 100, "EUR", 22),
    ],
)
def test_fees_are_rounded_half_up(account, amount, currency, fee):
    assert fee_of(account, amount, currency) == fee


def test_the_command_prints_the_report_of_a_ledger(tmp_path):
    from payorch.sandbox_provider.ledger import Ledger

    path = tmp_path / "ledger.sqlite3"
    Ledger(path, sync=False).close()

    result = CliRunner().invoke(command, ["settlement", "--ledger", str(path)])

    assert result.exit_code == 0, result.output
    assert result.output.startswith("line_id,type,id,reference,gross,fee,net,currency,settled_on")
