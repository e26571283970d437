import pytest

from payorch.domain.errors import IdempotencyKeyReused, InvalidMoney
from payorch.domain.payment_status import PaymentStatus
from tests.shop import Shop, an_order


@pytest.fixture
def create(database):
    shop = Shop(database, sandbox_url="http://127.0.0.1:9", max_amount_minor=10_000)
    return shop.services.create_order


def test_a_new_order_is_pending_and_has_a_link_of_its_own(create):
    first, second = create.execute(an_order()), create.execute(an_order())

    assert first.order.status is PaymentStatus.PENDING
    assert not first.is_replay
    assert first.token != second.token
    assert len(first.token) >= 22


def test_the_same_key_and_request_give_the_same_order_and_link(create):
    command = an_order(idempotency_key="api:1", request_hash="a")
    first = create.execute(command)

    again = create.execute(command)

    assert again.is_replay
    assert (again.order.id, again.token) == (first.order.id, first.token)


def test_the_same_key_with_another_request_is_refused(create):
    first = create.execute(an_order(idempotency_key="api:1", request_hash="a"))

    with pytest.raises(IdempotencyKeyReused) as refusal:
        create.execute(an_order(idempotency_key="api:1", request_hash="b"))

    assert refusal.value.order_id == first.order.id


def test_an_amount_above_the_highest_taken_is_refused(create):
    with pytest.raises(InvalidMoney):
        create.execute(an_order(amount_minor=10_001))
