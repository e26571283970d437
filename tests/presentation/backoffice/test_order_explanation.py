import pytest

from payorch.domain.payment_status import PaymentStatus
from payorch.domain.payment_status import TransactionStatus as T
from payorch.presentation.backoffice.payments.order_explanation import Step, explanation


@pytest.mark.parametrize(
    ("status", "steps", "text"),
    [
        (PaymentStatus.PENDING, [], "Nobody has tried to pay this order yet."),
        (PaymentStatus.EXPIRED, [], "The order expired before anybody tried to pay it."),
        (
            PaymentStatus.PAID,
            [Step("Alpha", T.APPROVED)],
            "Alpha approved the payment: the order is paid.",
        ),
        (
            PaymentStatus.PAID,
            [Step("Alpha", T.APPROVED, technical_reason="amount_mismatch")],
            (
                "Alpha approved the payment, as asking again showed "
                "(at first: an approval of another amount): the order is paid."
            ),
        ),
        (
            PaymentStatus.FAILED,
            [
                Step("Alpha", T.NOT_SENT, technical_reason="connection_refused"),
                Step("Beta", T.DECLINED, decline_reason="insufficient_funds"),
            ],
            (
                "Alpha did not process the payment (connection refused), then Beta declined it "
                "(insufficient funds): the order is not paid, and the customer may try again."
            ),
        ),
        (
            PaymentStatus.PROCESSING,
            [Step("Alpha", T.UNKNOWN, technical_reason="read_timeout")],
            (
                "Alpha did not give a clear answer (no answer in time): "
                "the order is held, and nothing else is charged until this is settled."
            ),
        ),
        (
            PaymentStatus.PROCESSING,
            [Step("Alpha", T.REQUIRES_ACTION)],
            "Alpha asked the customer to confirm on its page: the order waits for the customer.",
        ),
        (
            PaymentStatus.PENDING,
            [Step("Alpha", T.ABANDONED)],
            "The customer did not finish on Alpha's page: the order is open again.",
        ),
    ],
)
def test_payment_is_told_in_plain_words(status, steps, text):
    assert explanation(status, steps, earlier_submissions=0) == text


def test_earlier_submissions_are_counted():
    text = explanation(PaymentStatus.PAID, [Step("Alpha", T.APPROVED)], earlier_submissions=2)

    assert text.endswith("The customer had tried 2 times before.")


@pytest.mark.parametrize("status", PaymentStatus)
@pytest.mark.parametrize("step", T)
def test_every_state_has_a_sentence_and_unknown_is_never_called_failed(status, step):
    text = explanation(status, [Step("Alpha", step)], earlier_submissions=0)

    assert text.endswith(".")
    if step is T.UNKNOWN and status is PaymentStatus.PROCESSING:
        assert "not paid" not in text
