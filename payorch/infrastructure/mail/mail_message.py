"""A mail as the standard's message: plain text, with HTML that says the same.

The standard library's `EmailMessage` refuses a header with a line break in it, and `Address` one
that is more than one address, so that no text can add a header or a recipient (S40).
"""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from payorch.application.notices import Mail, MailRefused


def mail_message(mail: Mail, *, sender_name: str, sender: str) -> EmailMessage:
    """Raises MailRefused for a recipient that is not exactly one address."""
    message = EmailMessage(policy=SMTP)
    try:
        message["To"] = Address(addr_spec=mail.recipient)
    except (ValueError, IndexError, MessageError):
        raise MailRefused("This is not an address that can be written to.") from None
    message["From"] = Address(sender_name, addr_spec=sender)
    message["Subject"] = mail.letter.subject
    message["Date"] = format_datetime(mail.written_at)
    # The same each time it is sent, so that a mailbox that gets it twice can tell.
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    # Keeps "out of office" answers away (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    # 7 bits and short lines pass every mail server.
    message.set_content(mail.letter.text, cte="quoted-printable")
    message.add_alternative(mail.letter.html, subtype="html", cte="quoted-printable")
    return message
