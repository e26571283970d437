"""What `payorch doctor` says about e-mail: whether letters leave, and if the server takes us."""

import os
import smtplib
from collections.abc import Iterator
from pathlib import Path

from payorch.cli.findings import Finding, Level
from payorch.config import Settings
from payorch.infrastructure.mail.smtp_mailer import SmtpServer

TIMEOUT_S = 5.0


def mail_findings(settings: Settings) -> Iterator[Finding]:
    match settings.mail_backend:
        case "outbox":
            yield _outbox_finding(is_production=settings.is_production)
        case "file":
            yield _folder_finding(Path(settings.mail_folder))
        case "smtp":
            yield _server_finding(SmtpServer.of(settings))
    if settings.is_production and not settings.alert_emails:
        yield Finding(
            Level.WARN,
            "staff alerts",
            "told to nobody, only kept for the back office",
            "Set PAYORCH_ALERT_EMAILS.",
        )


def _outbox_finding(*, is_production: bool) -> Finding:
    says = "letters are kept for the back office, not sent"
    if is_production:
        return Finding(Level.WARN, "mail", says, "Set PAYORCH_MAIL_BACKEND=smtp.")
    return Finding(Level.OK, "mail", says)


def _folder_finding(folder: Path) -> Finding:
    places = (folder.absolute(), *folder.absolute().parents)
    nearest = next(place for place in places if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(Level.OK, "mail", f"letters go to the folder {folder}")
    return Finding(
        Level.FAIL,
        "mail",
        f"the folder {folder} cannot be written",
        "Check PAYORCH_MAIL_FOLDER and its permissions.",
    )


def _server_finding(server: SmtpServer) -> Finding:
    """Connects, encrypts and logs in as sending does; sends nothing."""
    place = f"{server.host}:{server.port}"
    try:
        with server.connection(TIMEOUT_S) as client:
            client.noop()
    except smtplib.SMTPAuthenticationError:
        return Finding(
            Level.FAIL,
            "mail",
            f"{place} refuses the login",
            "Check PAYORCH_SMTP_USER and PAYORCH_SMTP_PASSWORD.",
        )
    except (OSError, smtplib.SMTPException) as problem:
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else ""
        return Finding(
            Level.FAIL,
            "mail",
            f"{place} does not take mail: {reason or type(problem).__name__}",
            "Check PAYORCH_SMTP_HOST, PAYORCH_SMTP_PORT and PAYORCH_SMTP_STARTTLS.",
        )
    return Finding(Level.OK, "mail", f"{place} takes mail from us")
