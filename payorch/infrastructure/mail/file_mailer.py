"""Puts each mail into a folder as an `.eml` file, for development and for another program to send.

A file appears whole or not at all, and under the same name when the mail is sent again.
"""

import os
from pathlib import Path

from payorch.application.notices import Delivery, Mail, MailUnavailable
from payorch.infrastructure.mail.mail_message import mail_message


class FileMailer:
    def __init__(self, folder: Path, *, sender_name: str, sender: str) -> None:
        self._folder = folder
        self._sender_name = sender_name
        self._sender = sender

    def send(self, mail: Mail) -> Delivery:
        message = mail_message(mail, sender_name=self._sender_name, sender=self._sender)
        unfinished = self._folder / f".{mail.id}.{os.getpid()}"
        try:
            # Letters hold links that open an order: for this account's eyes only.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.write_bytes(message.as_bytes())
            unfinished.replace(self._folder / f"{mail.id}.eml")
        except OSError as problem:
            raise MailUnavailable(
                f"The folder for mail cannot be written: {problem.strerror}."
            ) from problem
        return Delivery.SENT
