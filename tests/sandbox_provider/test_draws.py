from hypothesis import given
from hypothesis import strategies as st

from payorch.sandbox_provider.amount_text import amount_text
from payorch.sandbox_provider.draws import draws_for, latency_s, pick


@given(st.integers(), st.text(), st.text())
def test_a_payments_draws_depend_on_its_name_alone(seed, account, reference):
    first = draws_for(seed=seed, account=account, reference=reference)

    assert first == draws_for(seed=seed, account=account, reference=reference)
    assert all(0 < getattr(first, name) < 1 for name in first.__slots__)


def test_another_seed_is_another_fate():
    drawn = {draws_for(seed=seed, account="alpha", reference="r").approval for seed in range(50)}

    assert len(drawn) == 50


def test_latencies_have_the_median_and_the_95th_percentile_that_were_asked_for():
    latencies = sorted(
        latency_s(
            draws_for(seed=1, account="alpha", reference=str(n)).latency, p50_ms=200, p95_ms=500
        )
        for n in range(4000)
    )

    assert 0.19 <= latencies[2000] <= 0.21
    assert 0.46 <= latencies[3800] <= 0.54


def test_a_draw_falls_into_the_share_it_belongs_to():
    weights = {"05": 1.0, "51": 3.0}

    assert [pick(draw, weights) for draw in (0.1, 0.24, 0.26, 0.99)] == ["05", "05", "51", "51"]
    assert pick(0.5, {"05": 0.4}, total=1) is None


def test_an_amount_is_written_with_its_currencys_decimals():
    texts = [amount_text(*pair) for pair in ((1999, "EUR"), (5, "USD"), (500, "JPY"), (1, "BHD"))]

    assert texts == ["19.99 EUR", "0.05 USD", "500 JPY", "0.001 BHD"]
