"""What has to be true when everything is well again: the books and the provider's ledger agree."""

from collections import defaultdict

from payorch.domain.payment_status import PaymentStatus


def reconcile_until_quiet(shop) -> None:
    """Passes of the reconciler until nothing is due. `shop` runs on a JumpingClock."""
    for _ in range(12):
        shop.services.clock.jump(minutes=20)
        if not shop.wired.reconcile.execute().checked:
            return
    raise AssertionError("The reconciler found no end.")


def assert_books_agree(sandbox, shop, order_ids) -> None:
    """Exactly one charge for each paid order, none for any other, and none that nobody knows."""
    charges = defaultdict(int)
    payments = sandbox.ledger()["payments"]
    for payment in payments:
        charges[payment["reference"]] += payment["status"] == "approved"
    known = set()
    for order_id in order_ids:
        view = shop.view(order_id)
        ours = {transaction.id for transaction in view.transactions}
        known |= ours
        assert view.order.status in {PaymentStatus.PAID, PaymentStatus.FAILED}, order_id
        charged = sum(charges[reference] for reference in ours)
        assert charged == (view.order.status is PaymentStatus.PAID), order_id
    assert {payment["reference"] for payment in payments} <= known
