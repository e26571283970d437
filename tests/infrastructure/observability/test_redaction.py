import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.instrument import CardInstrument, passes_luhn
from payorch.infrastructure.observability.redaction import (
    HIDDEN,
    HIDDEN_CARD,
    HIDDEN_EMAIL,
    redact_event,
    redact_text,
)

PAN = "4242424242424242"


def with_check_digit(digits: str) -> str:
    return next(digits + d for d in "0123456789" if passes_luhn(digits + d))


@given(
    st.text("0123456789", min_size=12, max_size=18).map(with_check_digit),
    st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", " - "[:2], "\n"]),
    st.integers(min_value=2, max_value=6),
    st.sampled_from(["", "card ", "n=", "x", '{"number": "', "pan:", "\u00e9"]),
)
def test_no_card_number_survives_however_it_is_grouped(number, separator, group, before):
    grouped = separator.join(number[at : at + group] for at in range(0, len(number), group))

    redacted = redact_text(f"{before}{grouped} 12/27")

    assert number not in re.sub(r"\D", "", redacted.replace("12/27", ""))
    assert grouped not in redacted


@pytest.mark.parametrize(
    "text",
    [
        f"{PAN} 12 2027 737",
        f"%B{PAN}^CLIENTE/ANA^27122010000?",
        f"card[number]={PAN}&card[cvc]=737",
        f"['{PAN}']",
        f"id{PAN}id",
    ],
)
def test_a_card_number_is_found_inside_other_text(text):
    redacted = redact_text(text)

    assert PAN not in redacted
    assert HIDDEN_CARD in redacted


@pytest.mark.parametrize(
    "text",
    [
        "order po_2d835fnj2v879kfgfvk80xqtj6 paid in 12 ms",
        "2026-11-22T22:10:50.938393Z",
        "1234567890123456",  # no check digit
        "424242424242424242424242",  # longer than any card number
        "amount_minor=100000",
        "route /orders/<token>",
    ],
)
def test_harmless_text_stays_readable(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("cvc=737", "737"),
        ('{"cvc": "737"}', "737"),
        ("'cvv2': 737,", "737"),
        ("card%5Bcvc%5D=737", "737"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("curl -H 'authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        ("sent bearer practice_key_alpha to", "practice_key_alpha"),
        ("api_key=sk_live_1 next", "sk_live_1"),
        ("client_secret: 's3cr3t-thing'", "s3cr3t-thing"),
        ("password=hunter2", "hunter2"),
        ("postgresql://payorch:hunter2@db:5432/payorch", "hunter2"),
        ("Set-Cookie: session=eyJhbGciOi", "eyJhbGciOi"),
        ("GET /orders/uuZ6_ZKhsGvBD8BeSMd7pg 200", "uuZ6_ZKhsGvBD8BeSMd7pg"),
        ("GET /checkout/uuZ6_ZKhsGvBD8BeSMd7pg/x", "uuZ6_ZKhsGvBD8BeSMd7pg"),
        (f"cannot read po_live_8Fk2mQx1_{'s' * 43}_3HLX0I", "sss"),
        (f"GET /?x=po_test_8Fk2mQx1_{'s' * 20}", "sss"),
        ("ana.cliente+shop@example.co.uk wrote", "ana.cliente"),
        ("550 <zoe.o'brien@example.ie>: no such user", "zoe"),
        ("550 zoe!home{x}|y~z#1$2*@example.ie unknown", "zoe"),
        ("[SQL: INSERT]\n[parameters: {'customer_name': 'Ana'}]\n(more)", "Ana"),
        ("DETAIL:  Failing row contains (1, po_1, Ana Cliente, null).\n", "Ana"),
    ],
)
def test_secrets_are_hidden_in_text(text, secret):
    assert secret not in redact_text(text)


def test_the_rest_of_the_text_stays():
    redacted = redact_text(f"paid with {PAN} by ana@example.com, cvc=737, order po_1")

    assert redacted == f"paid with {HIDDEN_CARD} by {HIDDEN_EMAIL}, cvc={HIDDEN}, order po_1"


def test_fields_are_hidden_by_their_names_at_any_depth():
    event = {
        "event": "sent",
        "card": {"number": "4242424242424243", "cvc": 737, "exp_month": 12},
        "headers": [{"Authorization": "x"}, {"X-Api-Key": "y"}],
        "customer_email": "not even an address",
        "holder": "Ana",
    }

    redacted = redact_event(None, "info", event)

    assert redacted == {
        "event": "sent",
        "card": {"number": HIDDEN, "cvc": HIDDEN, "exp_month": 12},
        "headers": [{"Authorization": HIDDEN}, {"X-Api-Key": HIDDEN}],
        "customer_email": HIDDEN,
        "holder": HIDDEN,
    }


def test_counters_keep_their_values():
    event = {"submission_number": 2, "number": 3, "token": 4, "duration_ms": 1.5, "ok": True}

    assert redact_event(None, "info", event) == event


def test_a_card_number_as_a_number_or_as_a_key_is_hidden():
    redacted = redact_event(None, "info", {"event": "x", "value": int(PAN), "map": {PAN: 1}})

    assert redacted == {"event": "x", "value": HIDDEN_CARD, "map": {HIDDEN_CARD: 1}}


def test_objects_show_as_their_redacted_text():
    card = CardInstrument(PAN, 12, 2031, "737", "Ana")

    redacted = redact_event(None, "info", {"event": "x", "card": card, "raw": PAN.encode()})

    assert redacted == {"event": "x", "card": "CardInstrument(hidden)", "raw": HIDDEN_CARD}


@pytest.mark.parametrize("piece", ["a", "1 ", "a-", "://x:", "cvc", "@", "a@a.", "bearer "])
@pytest.mark.timeout(5)
def test_a_huge_hostile_text_is_cut_and_takes_no_time(piece):
    redacted = redact_text(piece * 200_000)

    assert len(redacted) < 300_000
