"""Sends by SMTP with the standard library: one connection per mail, encrypted unless told not to.

smtplib says for each recipient whether the refusal is for good (5xx) or for now (4xx), which is
what decides between FAILED and trying again.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from payorch.application.notices import Delivery, Mail, MailRefused, MailUnavailable
from payorch.config import Settings
from payorch.config_problems import SMTPS_PORT
from payorch.infrastructure.mail.mail_message import mail_message

TIMEOUT_S = 20.0
"""Of each step. A server that is slower is asked again later."""

_MAX_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `user` None needs no login."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "SmtpServer":
        return cls(
            settings.smtp_host or "localhost",
            settings.smtp_port,
            settings.smtp_user,
            settings.smtp_password,
            settings.smtp_starttls,
        )

    @contextmanager
    def connection(self, timeout_s: float = TIMEOUT_S) -> Iterator[smtplib.SMTP]:
        """A session that is encrypted and logged in. Raises OSError and SMTPException."""
        context = ssl.create_default_context()
        if self.port == SMTPS_PORT:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=timeout_s, context=context
            )
        else:
            client = smtplib.SMTP(self.host, self.port, timeout=timeout_s)
        try:
            if self.starttls and self.port != SMTPS_PORT:
                client.starttls(context=context)
            if self.user is not None:
                client.login(self.user, self.password or "")
            yield client
        finally:
            # Without waiting for the goodbye: the mail is handed in, or it is not.
            client.close()


class SmtpMailer:
    def __init__(self, server: SmtpServer, *, sender_name: str, sender: str) -> None:
        self._server = server
        self._sender_name = sender_name
        self._sender = sender

    def send(self, mail: Mail) -> Delivery:
        message = mail_message(mail, sender_name=self._sender_name, sender=self._sender)
        try:
            with self._server.connection() as client:
                client.send_message(message)
        except smtplib.SMTPRecipientsRefused as refusal:
            code, text = next(iter(refusal.recipients.values()))
            if _is_final(code):
                raise MailRefused(_said(code, text)) from refusal
            raise MailUnavailable(_said(code, text)) from refusal
        except smtplib.SMTPNotSupportedError as problem:
            if not mail.recipient.isascii():
                raise MailRefused("The mail server cannot write to such an address.") from problem
            raise MailUnavailable(str(problem)[:_MAX_ERROR_LENGTH]) from problem
        except smtplib.SMTPResponseException as answer:
            raise MailUnavailable(_said(answer.smtp_code, answer.smtp_error)) from answer
        except (OSError, smtplib.SMTPException) as problem:
            raise MailUnavailable(
                f"The mail server did not answer: {_named(problem)}."
            ) from problem
        return Delivery.SENT


def _is_final(code: int) -> bool:
    return 500 <= code < 600


def _said(code: int, text: bytes | str) -> str:
    """What the server said, as one line that is fit to be stored and shown."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    line = "".join(c if c.isprintable() else " " for c in said)
    return f"The mail server said {code} {line}"[:_MAX_ERROR_LENGTH].strip()


def _named(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return type(problem).__name__
