"""A password leaves over an encrypted connection only, and a mail with it."""

import ssl
import subprocess
from datetime import UTC, datetime

import pytest

from payorch.application.notices import Delivery, Letter, Mail, MailUnavailable
from payorch.config import InvalidSettings, Settings
from payorch.infrastructure.mail.smtp_mailer import SmtpMailer, SmtpServer
from tests.mail_server import mail_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    return context


def send(server, **fields):
    fields = {"host": "localhost", "port": server.port} | fields
    mail = Mail("no_1", "ana@example.com", Letter("Hi", "Hi", "<p>Hi</p>"), datetime.now(UTC))
    mailer = SmtpMailer(SmtpServer(**fields), sender_name="Shop", sender="shop@example.com")
    return mailer.send(mail)


def test_it_logs_in_and_sends_over_tls_to_a_server_it_trusts(tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "certificate.pem"))

    with mail_server(tls=tls) as server:
        assert send(server, user="shop", password="secret") is Delivery.SENT

    assert server.logins == 1
    assert len(server.mails) == 1


def test_a_server_with_a_certificate_of_its_own_making_gets_nothing(tls):
    with mail_server(tls=tls) as server, pytest.raises(MailUnavailable):
        send(server, user="shop", password="secret")

    assert server.logins == 0
    assert server.mails == []


def test_a_server_without_tls_gets_nothing(caplog):
    with mail_server() as server, pytest.raises(MailUnavailable, match="STARTTLS"):
        send(server, user="shop", password="secret")

    assert server.logins == 0
    assert server.mails == []


def test_the_password_is_in_no_representation():
    server = SmtpServer("localhost", 25, "shop", "secret-word")

    assert "secret-word" not in repr(server)
    assert "secret-word" not in repr(Settings(smtp_password="secret-word"))


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"PAYORCH_MAIL_BACKEND": "pigeon"}, "must be outbox or file or smtp"),
        ({"PAYORCH_MAIL_BACKEND": "smtp"}, "needs PAYORCH_SMTP_HOST"),
        ({"PAYORCH_DEFAULT_LANGUAGE": "xx"}, "must be en or es"),
        ({"PAYORCH_MERCHANT_NAME": "a\nBcc: b"}, "PAYORCH_MERCHANT_NAME is one line"),
        ({"PAYORCH_MAIL_FROM": "a@b.c\nBcc: d@e.f"}, "is not one e-mail address"),
        ({"PAYORCH_MAIL_FROM": "a@b.c;d@e.f"}, "is not one e-mail address"),
        ({"PAYORCH_ALERT_EMAILS": "olga@example.org, nobody"}, "'nobody' is not one"),
        (
            {
                "PAYORCH_ENV": "production",
                "PAYORCH_SMTP_STARTTLS": "0",
                "PAYORCH_SMTP_PASSWORD": "x",
            },
            "in the clear",
        ),
    ],
)
def test_settings_that_would_go_wrong_are_refused(variables, problem):
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(variables)

    assert problem in str(refused.value)


def test_the_password_may_come_from_a_file(tmp_path):
    (tmp_path / "password").write_text("secret/word/\n")

    settings = Settings.from_env({"PAYORCH_SMTP_PASSWORD_FILE": str(tmp_path / "password")})

    assert settings.smtp_password == "secret/word/"
