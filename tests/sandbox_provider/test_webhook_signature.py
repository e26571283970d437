import pytest

from payorch.sandbox_provider.webhook_signature import signature, signing_key


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "expected"),
    [
        # The examples that the libraries and documents of the standard check themselves with.
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
    ],
)
def test_a_signature_is_the_standards(secret, message_id, timestamp, body, expected):
    assert signature(secret, message_id=message_id, timestamp=timestamp, body=body) == expected


def test_a_secret_without_the_prefix_is_taken_as_it_is():
    assert signing_key("practice_whsec_alpha") == b"practice_whsec_alpha"
    assert signing_key("whsec_AAEC") == b"\x00\x01\x02"


def test_a_secret_that_only_pretends_to_be_base64_is_refused():
    with pytest.raises(ValueError, match="base64"):
        signing_key("whsec_not base64")
