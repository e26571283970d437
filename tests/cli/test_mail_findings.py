from tests.cli.conftest import Payorch
from tests.mail_server import mail_server
from tests.sandbox_process import free_port


def smtp_settings(port: int, **more: str) -> dict[str, str]:
    return {
        "PAYORCH_MAIL_BACKEND": "smtp",
        "PAYORCH_SMTP_HOST": "127.0.0.1",
        "PAYORCH_SMTP_PORT": str(port),
        "PAYORCH_MAIL_FROM": "shop@example.com",
        "PAYORCH_SMTP_STARTTLS": "0",
    } | more


def test_letters_that_are_only_kept_are_said_to_be(payorch: Payorch) -> None:
    result = payorch("doctor")

    assert result.exit_code == 0
    assert "letters are kept for the back office, not sent" in result.output


def test_a_mail_server_that_takes_us_passes_and_gets_no_mail(payorch: Payorch) -> None:
    with mail_server() as server:
        payorch.environment |= smtp_settings(server.port)

        result = payorch("doctor")

    assert result.exit_code == 0
    assert f"127.0.0.1:{server.port} takes mail from us" in result.output
    assert server.mails == []


def test_a_mail_server_that_is_away_fails(payorch: Payorch) -> None:
    payorch.environment |= smtp_settings(free_port())

    result = payorch("doctor")

    assert result.exit_code == 1
    assert "does not take mail" in result.output
    assert "Check PAYORCH_SMTP_HOST" in result.output


def test_a_refused_login_fails_without_the_password(payorch: Payorch) -> None:
    login = {"PAYORCH_SMTP_USER": "shop", "PAYORCH_SMTP_PASSWORD": "secret-word"}
    with mail_server() as server:
        server.answers["AUTH"] = "535 no"
        payorch.environment |= smtp_settings(server.port, **login)

        result = payorch("doctor")

    assert result.exit_code == 1
    assert "refuses the login" in result.output
    assert "secret-word" not in result.output


def test_a_server_without_encryption_fails_unless_that_is_wanted(payorch: Payorch) -> None:
    with mail_server() as server:
        payorch.environment |= smtp_settings(server.port, PAYORCH_SMTP_STARTTLS="1")

        result = payorch("doctor")

    assert result.exit_code == 1
    assert "STARTTLS" in result.output


def test_a_folder_that_cannot_be_made_fails(payorch: Payorch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    payorch.environment |= {
        "PAYORCH_MAIL_BACKEND": "file",
        "PAYORCH_MAIL_FOLDER": str(tmp_path / "file" / "mail"),
    }

    result = payorch("doctor")

    assert result.exit_code == 1
    assert "cannot be written" in result.output
