import base64
import re

from tests.cli.conftest import Payorch

KEY = re.compile(r"Key, shown this once: (po_test_(\w{8})_\w{43}_\w{6})\n")


def created(payorch: Payorch, *options: str, name: str = "Web shop") -> re.Match[str]:
    result = payorch("api-keys", "create", name, *(options or ["--all-scopes"]))
    assert result.exit_code == 0, result.output
    match = KEY.search(result.output)
    assert match is not None
    return match


def test_a_key_is_created_and_shown_once(payorch: Payorch) -> None:
    key = created(
        payorch,
        *("--scope", "orders:read", "--scope", "refunds:read"),
        *("--expires-in-days", "30", "--from", "203.0.113.7", "--from", "10.0.0.0/8"),
    )

    listed = payorch("api-keys", "list").output
    assert key[1] not in listed
    assert f"po_test_{key[2]}  Web shop  orders:read, refunds:read  " in listed
    assert "from 203.0.113.7, 10.0.0.0/8  never used  until 20" in listed


def test_production_makes_live_keys(payorch: Payorch) -> None:
    payorch.environment |= {
        "PAYORCH_ENV": "production",
        "PAYORCH_SECRET_KEY": "s" * 40,
        "PAYORCH_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
        "PAYORCH_BASE_URL": "https://pay.example.com",
        "PAYORCH_TRUSTED_HOSTS": "pay.example.com",
    }

    result = payorch("api-keys", "create", "Web shop", "--all-scopes")

    assert "shown this once: po_live_" in result.output


def test_a_key_is_revoked_by_what_it_begins_with(payorch: Payorch) -> None:
    key = created(payorch)

    result = payorch("api-keys", "revoke", f"po_test_{key[2]}", "--reason", "lost")

    assert result.output == f"Revoked po_test_{key[2]} (Web shop).\n"
    assert "(revoked)" in payorch("api-keys", "list").output
    again = payorch("api-keys", "revoke", key[2])
    assert (again.exit_code, "revoked already" in again.output) == (1, True)


def test_a_key_that_was_found_somewhere_is_revoked_as_it_is(payorch: Payorch) -> None:
    key = created(payorch)

    result = payorch("api-keys", "revoke", key[1])

    assert result.output == f"Revoked po_test_{key[2]} (Web shop).\n"


def test_a_key_is_replaced(payorch: Payorch) -> None:
    old = created(payorch)

    result = payorch("api-keys", "rotate", old[2], "--overlap-days", "2")

    new = KEY.search(result.output)
    assert new is not None
    assert new[1] != old[1]
    assert "the old key ends in 2 days" in result.output
    assert len(payorch("api-keys", "list").output.splitlines()) == 2


def test_what_cannot_be_is_refused_in_one_sentence(payorch: Payorch) -> None:
    created(payorch)

    for arguments, says in (
        (("create", "Till"), "at least one scope"),
        (("create", "Till", "--all-scopes", "--from", "home"), "is no address"),
        (("create", "Web shop", "--all-scopes"), "active key with the name"),
        (("revoke", "00000000"), "no such API key"),
    ):
        result = payorch("api-keys", *arguments)
        assert result.exit_code == 1
        assert says in result.output
    assert payorch("api-keys", "create", "Till", "--scope", "all").exit_code == 2


def test_keys_need_a_migrated_database(new_payorch: Payorch) -> None:
    result = new_payorch("api-keys", "list")

    assert result.exit_code == 1
    assert "payorch db upgrade" in result.output
