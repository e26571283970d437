from pathlib import Path

import pytest

from payorch.sandbox_provider.card_numbers import is_luhn_valid
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS, MagicCard, magic_cards_markdown

from .practice_merchant import PracticeMerchant

ROOT = Path(__file__).parents[2]
SETTLED = [card for card in MAGIC_CARDS if not (card.fault or card.pending or card.challenge)]
DECLINED = [card for card in SETTLED if card.code]
POLICY_CODES = (
    "01 03 04 05 12 13 14 15 19 30 39 41 43 46 51 54 55 57 58 59 61 62 75 83 91 1A N7 R0 ZZ9"
)


def test_every_number_is_possible_and_stands_for_one_scenario():
    numbers = [card.number for card in MAGIC_CARDS]
    amounts = [card.amount for card in MAGIC_CARDS if card.amount is not None]

    assert all(is_luhn_valid(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert len(set(amounts)) == len(amounts)
    assert all(70_000 <= amount < 75_000 for amount in amounts)


def test_the_codes_that_the_decline_policy_speaks_of_are_all_there():
    codes = {(card.code, card.advice_code) for card in DECLINED}

    for code in POLICY_CODES.split():
        assert (code, None) in codes
    assert {advice for _, advice in codes} >= {"01", "02", "03", "04", "21", "22", "24", "40"}


@pytest.mark.parametrize("card", DECLINED, ids=lambda card: f"{card.brand}-{card.number}")
def test_a_number_is_declined_with_its_code_on_the_first_account(
    alpha: PracticeMerchant, card: MagicCard
):
    status, payment = alpha.pay(card.number)

    assert (status, payment["status"], payment["captured_amount"]) == (402, "declined", 0)
    decline = payment["decline"]
    assert (decline["scheme"], decline["code"]) == (card.brand, card.code)
    assert decline["advice_code"] == card.advice_code
    assert decline["message"]


@pytest.mark.parametrize("card", DECLINED, ids=lambda card: f"{card.amount}")
def test_an_amount_is_declined_whatever_the_card(alpha: PracticeMerchant, card: MagicCard):
    status, payment = alpha.pay(amount=card.amount)

    assert (status, payment["decline"]["code"]) == (402, card.code)


@pytest.mark.parametrize(
    "card", [card for card in MAGIC_CARDS if card.first_account_only], ids=lambda card: card.number
)
def test_another_account_approves_what_only_the_first_refuses(
    alpha: PracticeMerchant, card: MagicCard
):
    assert alpha.pay(card.number)[0] in {401, 402, 429, 503}
    assert PracticeMerchant(alpha.sandbox, "beta").pay(card.number)[0] == 201


@pytest.mark.parametrize("amount", [1, 100, 1999, 2500, 5000, 9999, 10_000, 70_000, 100_000])
def test_an_ordinary_amount_is_approved(alpha: PracticeMerchant, amount):
    assert alpha.pay(amount=amount)[0] == 201


@pytest.mark.parametrize(
    "number", [card.number for card in SETTLED if not card.code and not card.by_chance]
)
def test_the_everyday_numbers_are_approved_even_where_chance_never_approves(
    alpha: PracticeMerchant, number
):
    alpha.sandbox.patch_profile("alpha", approval_rate=0)

    assert alpha.pay(number)[0] == 201


def test_the_chance_number_follows_the_accounts_rate_and_mix(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile(
        "alpha", approval_rate=0.7, declines=None, challenge_share=0, faults=None
    )
    alpha.sandbox.patch_profile("alpha", declines={"05": 0, "51": 3, "82/03": 1})

    answers = [alpha.pay("4000000000000077", reference=f"r{n}")[1] for n in range(300)]

    declines = [answer["decline"] for answer in answers if answer["decline"]]
    assert 60 <= len(declines) <= 120
    codes = {(decline["code"], decline["advice_code"]) for decline in declines}
    assert codes == {("51", None), ("82", "03")}


def test_documentation_shows_the_numbers_as_they_are():
    page = (ROOT / "docs" / "practice-provider.md").read_text()

    assert magic_cards_markdown() in page


def test_the_readme_repeats_the_numbers_as_they_are_where_it_has_them():
    readme = (ROOT / "README.md").read_text()

    if "| card number |" in readme:
        assert magic_cards_markdown() in readme


def test_the_documentation_names_every_fault():
    page = (ROOT / "docs" / "practice-provider.md").read_text()

    assert [fault for fault in Fault if f"`{fault}`" not in page] == []
