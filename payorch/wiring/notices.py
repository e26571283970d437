"""E-mails: who writes the letters, how they leave, and the handlers of the jobs behind them."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from payorch.application.deliver_notice import DeliverNotice
from payorch.application.jobs import ALERT_STAFF, NOTIFY_CUSTOMER, JobHandler
from payorch.application.notices import Mailer
from payorch.application.notify_customer import NotifyCustomerUseCase
from payorch.application.resend_notice import ResendNoticeUseCase
from payorch.application.staff_alerts import AlertStaffUseCase
from payorch.config import Settings
from payorch.infrastructure.alert_webhook import SignedAlertWebhook
from payorch.infrastructure.mail.file_mailer import FileMailer
from payorch.infrastructure.mail.outbox_mailer import OutboxMailer
from payorch.infrastructure.mail.smtp_mailer import SmtpMailer, SmtpServer
from payorch.infrastructure.persistence.notice_repository import (
    SqlAlchemyNoticeBook,
    SqlAlchemyNoticeFacts,
)
from payorch.presentation.mail.letters import RenderedLetters
from payorch.wiring.base import Base

_log = structlog.get_logger("payorch.mail")


def notice_handlers(settings: Settings, base: Base) -> Mapping[str, JobHandler]:
    """Kind of job -> what runs it."""
    book = SqlAlchemyNoticeBook(base.transactions)
    letters = RenderedLetters(
        base_url=settings.base_url,
        merchant_name=settings.merchant_name,
        default_language=settings.default_language,
    )
    delivery = DeliverNotice(
        book=book, mailer=_mailer(settings), tokens=base.tokens, clock=base.clock
    )
    notify = NotifyCustomerUseCase(
        facts=SqlAlchemyNoticeFacts(base.transactions),
        letters=letters,
        book=book,
        delivery=delivery,
        clock=base.clock,
    )
    alert = AlertStaffUseCase(
        recipients=settings.alert_emails,
        letters=letters,
        book=book,
        delivery=delivery,
        clock=base.clock,
        webhook=_alert_webhook(settings, base),
    )
    return {NOTIFY_CUSTOMER.name: notify.execute, ALERT_STAFF.name: alert.execute}


def notice_resending(base: Base) -> ResendNoticeUseCase:
    return ResendNoticeUseCase(SqlAlchemyNoticeBook(base.transactions), base.clock)


def _alert_webhook(settings: Settings, base: Base) -> SignedAlertWebhook | None:
    if settings.alert_webhook_url is None:
        return None
    return SignedAlertWebhook(
        settings.alert_webhook_url,
        settings.alert_webhook_secret or "",
        base.clock,
        may_be_private=settings.alert_webhook_may_be_private,
    )


def _mailer(settings: Settings) -> Mailer:
    sender = settings.mail_from or f"payorch@{urlsplit(settings.base_url).hostname or 'localhost'}"
    match settings.mail_backend:
        case "smtp":
            return SmtpMailer(
                SmtpServer.of(settings), sender_name=settings.merchant_name, sender=sender
            )
        case "file":
            folder = Path(settings.mail_folder)
            return FileMailer(folder, sender_name=settings.merchant_name, sender=sender)
        case "outbox":
            if settings.is_production:
                _log.warning("mail_is_not_sent", advice="Set PAYORCH_MAIL_BACKEND.")
            return OutboxMailer()
