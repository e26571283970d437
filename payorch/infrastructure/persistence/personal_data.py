"""The one seam between customers' personal data and its columns.

Everything that writes or reads a customer or a letter goes through here. What is sealed is bound
to its column and row: copied to another row it does not open. Rows of before this release are in
the clear until the job has sealed them, and are read as they are.
"""

import hmac
import json
import unicodedata
from typing import Any

from sqlalchemy import RowMapping

from payorch.application.notices import Letter
from payorch.application.personal_data import AddressedLetter, SealedNotice, SealedOrder
from payorch.domain.errors import SecretUnreadable
from payorch.domain.payment_order import Customer
from payorch.infrastructure.persistence.data_keys import DataKeys
from payorch.infrastructure.security.sealed_secrets import data_key_id

INDEX_BYTES = 16
"""128 bits: two addresses never meet, and nothing is to be gained by more."""

_CUSTOMER = "orders.customer_sealed"
_LETTER = "notices.sealed"


class PersonalData:
    def __init__(self, keys: DataKeys) -> None:
        self._keys = keys

    def customer_values(self, order_id: str, customer: Customer | None) -> dict[str, Any]:
        """Values of the order's columns, by their names.

        Call it before a transaction begins: the keys may have to be read.
        """
        values: dict[str, Any] = {
            "customer_sealed": None,
            "customer_key_id": None,
            "customer_email_index": None,
            "customer_name": None,
            "customer_email": None,
            "customer_fields": {},
        }
        if customer is not None:
            sealed, key_id = self._sealed(
                {"name": customer.name, "email": customer.email, "fields": dict(customer.fields)},
                f"{_CUSTOMER}:{order_id}",
            )
            values["customer_sealed"], values["customer_key_id"] = sealed, key_id
            values["customer_email_index"] = self.email_index(customer.email)
        return values

    def customer_in(self, row: RowMapping) -> Customer | None:
        """Of a row with ORDER_COLUMNS. Raises SecretUnreadable."""
        sealed = row["order_customer_sealed"]
        if sealed is not None:
            return self._customer(row["order_public_id"], sealed)
        return _in_clear(
            row["order_customer_name"], row["order_customer_email"], row["order_customer_fields"]
        )

    def customer_of(self, order: SealedOrder) -> Customer | None:
        if order.customer_sealed is not None:
            return self._customer(order.public_id, order.customer_sealed)
        return _in_clear(order.customer_name, order.customer_email, order.customer_fields)

    def email_of(self, order_id: str, sealed: bytes | None, in_clear: str | None) -> str | None:
        return in_clear if sealed is None else self._customer(order_id, sealed).email

    def letter_values(self, notice_id: str, recipient: str, letter: Letter) -> dict[str, Any]:
        """Values of the notice's columns, by their names; see `customer_values`."""
        content = {
            "recipient": recipient,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
        }
        sealed, key_id = self._sealed(content, f"{_LETTER}:{notice_id}")
        return {
            "sealed": sealed,
            "key_id": key_id,
            "recipient_index": self.email_index(recipient) if recipient else None,
            "recipient": "",
            "subject": "",
            "body": "",
            "body_html": "",
        }

    def letter_in(self, row: RowMapping) -> AddressedLetter:
        """Raises SecretUnreadable."""
        if row["sealed"] is not None:
            return self._letter(row["public_id"], row["sealed"])
        return AddressedLetter(
            row["recipient"], Letter(row["subject"], row["body"], row["body_html"])
        )

    def letter_of(self, notice: SealedNotice) -> AddressedLetter:
        if notice.sealed is not None:
            return self._letter(notice.public_id, notice.sealed)
        letter = Letter(notice.subject, notice.body, notice.body_html)
        return AddressedLetter(notice.recipient, letter)

    def email_index(self, email: str) -> str:
        spelled = unicodedata.normalize("NFKC", email).casefold().encode("utf-8", "replace")
        return hmac.digest(self._keys.index_key(), spelled, "sha256")[:INDEX_BYTES].hex()

    def _customer(self, order_id: str, sealed: bytes) -> Customer:
        content = self._opened(sealed, f"{_CUSTOMER}:{order_id}")
        return Customer(content["name"], content["email"], content["fields"])

    def _letter(self, notice_id: str, sealed: bytes) -> AddressedLetter:
        content = self._opened(sealed, f"{_LETTER}:{notice_id}")
        letter = Letter(content["subject"], content["text"], content["html"])
        return AddressedLetter(content["recipient"], letter)

    def _sealed(self, content: dict[str, Any], about: str) -> tuple[bytes, int]:
        key = self._keys.in_use()
        return key.seal(json.dumps(content).encode(), about=about), key.id

    def _opened(self, sealed: bytes, about: str) -> dict[str, Any]:
        key = self._keys.with_id(data_key_id(sealed))
        content = json.loads(key.open(sealed, about=about))
        if not isinstance(content, dict):
            raise SecretUnreadable("The data is not of a shape that this release can read.")
        return content


def _in_clear(name: str | None, email: str | None, fields: dict[str, str]) -> Customer | None:
    return None if name is None else Customer(name, email or "", fields)
