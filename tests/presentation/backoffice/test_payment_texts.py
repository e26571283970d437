import pytest

from payorch.domain import settlement
from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.domain.payment_method import LeftOut
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.routing_policy import ChosenBecause
from payorch.presentation.backoffice.payments import payment_texts


@pytest.mark.parametrize(
    ("table", "members"),
    [
        (payment_texts.ORDER_STATUSES, PaymentStatus),
        (payment_texts.TRANSACTION_STATUSES, TransactionStatus),
        (payment_texts.CHOSEN, ChosenBecause),
        (payment_texts.LEFT_OUT, LeftOut),
        (payment_texts.NOT_SENT, NotSentReason),
        (payment_texts.UNKNOWN, UnknownReason),
    ],
)
def test_every_member_has_a_text(table, members):
    assert set(table) == set(members)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("circuit_open", "its circuit was open"),
        ("something_new", "something new"),
        (None, ""),
    ],
)
def test_stored_reason_reads_as_words(code, text):
    assert payment_texts.reason_text(code) == text


def test_open_circuit_reads_differently_for_a_provider_that_was_never_asked():
    left_out = payment_texts.left_out_text("circuit_open")

    assert left_out == "its circuit was open after technical failures"
    assert payment_texts.left_out_text("something_new") == "something new"


def test_every_flag_of_an_order_has_a_text():
    flags = {value for name, value in vars(settlement).items() if name.startswith("FLAG_")}

    assert flags <= set(payment_texts.FLAGS)
