"""API keys of merchants' servers: what each may do, from where, and until when.

A key is known by its id. Its secret never comes here: this is what staff may look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from ipaddress import IPv6Address, ip_address, ip_network

from payorch.domain.errors import PayorchError

MAX_NAME_LENGTH = 80
MAX_NETWORKS = 20
"""The whole list is gone through at each request."""

MAX_LIFETIME = timedelta(days=3660)


class InvalidApiKey(PayorchError):
    """The name, a scope, a network or a time cannot be used; the message says which and why."""

    code = "invalid_api_key"


@unique
class Scope(StrEnum):
    READ_ORDERS = "orders:read"
    WRITE_ORDERS = "orders:write"
    WRITE_PAYMENTS = "payments:write"
    READ_METHODS = "methods:read"
    READ_REFUNDS = "refunds:read"
    WRITE_REFUNDS = "refunds:write"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Scope.READ_ORDERS: "read an order with its transactions",
    Scope.WRITE_ORDERS: "create an order, cancel one that is not paid",
    Scope.WRITE_PAYMENTS: "pay an order: money is taken",
    Scope.READ_METHODS: "read which payment methods there are",
    Scope.READ_REFUNDS: "read refunds",
    Scope.WRITE_REFUNDS: "refund: money is given back",
}

ALL_SCOPES = frozenset(Scope)


@unique
class KeyMode(StrEnum):
    """Live keys open installations that run in production, test keys all others."""

    LIVE = "live"
    TEST = "test"


@unique
class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """`networks` empty: from anywhere. `replaced_by` is the id of its successor."""

    id: str
    mode: KeyMode
    name: str
    scopes: frozenset[Scope]
    networks: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    replaced_by: str | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None

    @property
    def label(self) -> str:
        """What a key may be called by without opening anything: "po_live_8Fk2mQx1"."""
        return f"po_{self.mode}_{self.id}"

    def state(self, at: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= at:
            return KeyState.EXPIRED
        return KeyState.ACTIVE

    def may_come_from(self, address: str) -> bool:
        if not self.networks:
            return True
        try:
            sender = ip_address(address)
        except ValueError:
            return False
        if isinstance(sender, IPv6Address) and sender.ipv4_mapped is not None:
            sender = sender.ipv4_mapped
        return any(sender in ip_network(network) for network in self.networks)


def checked_name(name: str) -> str:
    """`name` without surrounding blanks. Raises InvalidApiKey."""
    text = name.strip()
    if not text or len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise InvalidApiKey(f"A name is one line of 1 to {MAX_NAME_LENGTH} characters.")
    return text


def checked_scopes(scopes: Sequence[str]) -> frozenset[Scope]:
    """Raises InvalidApiKey for none, and for one that does not exist."""
    if not scopes:
        raise InvalidApiKey("Choose at least one scope: a key without one opens nothing.")
    try:
        return frozenset(Scope(scope) for scope in scopes)
    except ValueError:
        raise InvalidApiKey(f"A scope is one of {', '.join(Scope)}.") from None


def checked_networks(typed: Sequence[str]) -> tuple[str, ...]:
    """Networks as they are stored. Raises InvalidApiKey for what is none."""
    texts = [text.strip() for text in typed if text.strip()]
    if len(texts) > MAX_NETWORKS:
        raise InvalidApiKey(f"A key has at most {MAX_NETWORKS} networks.")
    return tuple(dict.fromkeys(_network(text) for text in texts))


def _network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise InvalidApiKey(
            f"“{text[:50]}” is no address and no network: write 203.0.113.7 or 203.0.113.0/24. "
            "A network's own bits come first, the others are 0."
        ) from None
    if isinstance(network.network_address, IPv6Address) and network.network_address.ipv4_mapped:
        # A sender that is written like that is compared by its IPv4 address.
        raise InvalidApiKey(f"Write “{text[:50]}” as the IPv4 address that it stands for.")
    return str(network.network_address if network.num_addresses == 1 else network)


def checked_lifetime(lifetime: timedelta | None) -> timedelta | None:
    if lifetime is not None and not timedelta(0) < lifetime <= MAX_LIFETIME:
        raise InvalidApiKey(f"A key lives for 1 to {MAX_LIFETIME.days} days, or for ever.")
    return lifetime
