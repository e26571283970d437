"""Sends nothing: the mail stays in the table of notices, where the back office shows it."""

from payorch.application.notices import Delivery, Mail


class OutboxMailer:
    def send(self, mail: Mail) -> Delivery:  # noqa: ARG002 - the port's signature
        return Delivery.KEPT
