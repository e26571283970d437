"""What a provider can do is shown as its settings say."""

import pytest

from payorch.domain.payment_method import AmountLimits
from tests.shop import a_method


@pytest.fixture
def office(open_office):
    return open_office(
        methods=[
            a_method(
                "alpha",
                display_name="Alpha Pay",
                countries=frozenset({"DE", "AR"}),
                currencies=frozenset({"JPY", "EUR"}),
                amount_limits={
                    "EUR": AmountLimits(50, 500_000),
                    "JPY": AmountLimits(max_minor=9_000),
                    "USD": AmountLimits(min_minor=100),
                },
                required_fields=("document_number",),
                timeout_s=2.5,
                max_concurrency=7,
            ),
            a_method("beta"),
        ],
    )


def test_the_list_shows_every_provider_in_the_order_of_trying(office):
    page = office.logged_in("finn").get("/admin/providers/").text

    assert page.index("Alpha Pay") < page.index("Beta")
    assert "AR, DE" in page
    assert "document_number" in page


def test_the_details_show_limits_in_the_currency_and_all_capabilities(office):
    page = office.logged_in("finn").get("/admin/providers/alpha").text

    assert "€0.50 to €5,000.00; up to ¥9,000; from $1.00" in page
    assert "2.5 s" in page
    assert "safe for 24 h" in page
    assert "<summary" not in page


def test_a_provider_without_limits_serves_all(office):
    page = office.logged_in("olga").get("/admin/providers/beta").text

    assert page.count(">all<") == 2
    assert "Disable Beta" in page


@pytest.mark.parametrize("code", ["omega", "%00", "%3Cscript%3E", "a" * 300])
def test_a_provider_nobody_knows_is_not_found(office, code):
    answer = office.logged_in("finn").get(f"/admin/providers/{code}")

    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_the_details_say_who_switched_the_provider_when_and_why(office):
    assert "Last switched" not in office.logged_in("finn").get("/admin/providers/beta").text

    office.services.change_method.set_enabled(
        "beta", is_enabled=False, actor="system", reason="The key <expired>."
    )

    page = office.logged_in("finn").get("/admin/providers/beta").text
    assert "by system: The key &lt;expired&gt;." in page
    assert "Last switched off" in page
