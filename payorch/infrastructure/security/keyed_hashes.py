"""Keyed hashes of card numbers, network addresses and logins: comparable, not to be turned back.

A plain hash of a card number can be tried out within minutes; PCI DSS 3.5.1.1 wants a key.
"""

import hashlib
import hmac

from payorch.infrastructure.security.sender_limit import network_of


class SecretKeyedHashes:
    def __init__(self, secret_key: str) -> None:
        self._card_key = hashlib.sha256(b"payorch card:" + secret_key.encode()).digest()
        self._address_key = hashlib.sha256(b"payorch address:" + secret_key.encode()).digest()

        self._login_key = hashlib.sha256(b"payorch login:" + secret_key.encode()).digest()
        self._sender_key = hashlib.sha256(b"payorch login sender:" + secret_key.encode()).digest()
        self._request_key = hashlib.sha256(b"payorch requests:" + secret_key.encode()).digest()

    def of_card(self, number: str) -> str:
        return hmac.new(self._card_key, number.encode(), "sha256").hexdigest()

    def of_address(self, address: str) -> str:
        return hmac.new(self._address_key, address.encode(), "sha256").hexdigest()

    def of_login(self, email: str) -> str:
        return hmac.new(self._login_key, email.encode(), "sha256").hexdigest()

    def of_sender(self, address: str) -> str:
        """Of the network that `address` belongs to, apart from what cards are counted by."""
        return hmac.new(self._sender_key, network_of(address).encode(), "sha256").hexdigest()

    def of_request(self, kind: str, whose: str) -> str:
        return hmac.new(self._request_key, f"{kind}:{whose}".encode(), "sha256").hexdigest()

    def of_request_sender(self, kind: str, address: str) -> str:
        return self.of_request(kind, network_of(address))
