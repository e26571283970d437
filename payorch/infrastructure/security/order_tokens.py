"""The token in a customer's links: 128 bits derived from the secret key and the order's id.

Derived, so that a replay or an e-mail can name the link again; stored only as a hash, so that a
copy of the database opens no order. Links made before a change of the secret key keep working,
because they are found by their hash.
"""

import base64
import hashlib
import hmac

from payorch.domain.payment_order import OrderId

TOKEN_BYTES = 16


class DerivedOrderTokens:
    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"payorch order token:" + secret_key.encode()).digest()

    def token_for(self, order_id: OrderId) -> str:
        digest = hmac.digest(self._key, order_id.encode(), "sha256")[:TOKEN_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def hash_of(self, token: str) -> str:
        return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
