"""`payorch encryption` and `payorch erase`, and what the doctor says of keys."""

import base64

import pytest

from payorch.config import InvalidSettings, Settings
from tests.cli.conftest import Payorch

KEY = base64.b64encode(b"k" * 32).decode()


def test_status_lists_the_keys_and_what_needs_them(payorch: Payorch) -> None:
    result = payorch("encryption", "status")

    assert result.exit_code == 0
    assert "data key 2 (personal_data), in use: 0 orders, 0 letters" in result.output
    assert "in the clear: 0 rows" in result.output


def test_a_rotation_makes_a_key_and_reencrypting_moves_the_rows(payorch: Payorch) -> None:
    payorch("encryption", "status")

    rotated = payorch("encryption", "rotate", "--reason", "Once a year.")
    sealed = payorch("encryption", "reencrypt")

    assert "Data key 3 is in use" in rotated.output
    assert "data key 2 (personal_data), retired" in sealed.output


def test_a_rotation_without_a_reason_is_refused(payorch: Payorch) -> None:
    assert payorch("encryption", "rotate", "--reason", " ").exit_code == 1


def test_erase_asks_first_and_says_what_it_did(payorch: Payorch) -> None:
    refused = payorch("erase", "ana@example.com", stdin="n\n")
    done = payorch("erase", "ana@example.com", "--yes")

    assert refused.exit_code == 1
    assert done.exit_code == 0
    assert "Erased: 0 orders." in done.output


def test_a_wrong_encryption_key_ends_commands_with_one_sentence(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_ENCRYPTION_KEY"] = KEY
    assert payorch("encryption", "status").exit_code == 0
    payorch.environment["PAYORCH_ENCRYPTION_KEY"] = base64.b64encode(b"o" * 32).decode()

    result = payorch("encryption", "status")
    doctor = payorch("doctor")

    assert result.exit_code == 1
    assert "does not open the data keys of this database" in result.output
    assert doctor.exit_code == 1
    assert "the data keys cannot be opened" in doctor.output


def test_the_doctor_warns_of_a_derived_key(payorch: Payorch) -> None:
    assert "Set PAYORCH_ENCRYPTION_KEY" in payorch("doctor").output

    payorch.environment["PAYORCH_ENCRYPTION_KEY"] = KEY

    assert "personal data is sealed" in payorch("doctor").output


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"PAYORCH_ENCRYPTION_KEY": "short"}, "PAYORCH_ENCRYPTION_KEY: a key is 32 random bytes"),
        ({"PAYORCH_ENCRYPTION_KEY_FALLBACKS": f"{KEY},x"}, "KEY_FALLBACKS: a key is 32 random"),
        ({"PAYORCH_ENV": "production"}, "PAYORCH_ENCRYPTION_KEY must be set"),
        ({"PAYORCH_KEEP_PERSONAL_DATA_DAYS": "-1"}, "PAYORCH_KEEP_PERSONAL_DATA_DAYS lies"),
    ],
)
def test_settings_that_would_go_wrong_are_refused(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(variables)

    assert problem in str(refused.value)
