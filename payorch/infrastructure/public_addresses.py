"""Connections that reach the public internet only, whatever a name leads to.

A name is looked up once, every address it has is checked, and the connection goes to a checked
address: a name that answers otherwise a moment later ("rebinding") changes nothing. TLS still
asks for the certificate of the name.
"""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address, ip_network

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

_REFUSED = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services, on every machine there
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
        "192.88.99.0/24",  # relays of 6to4
        "64:ff9b::/96",  # NAT64: any IPv4 address, private ones too
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and other protocols
        "2002::/16",  # 6to4
        "::/96",  # IPv4 written as IPv6
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "3fff::/20",  # examples in documents
        "fec0::/10",
    )
)
"""Python's is_global lets these pass, in 3.11 or in another version we run on."""


class AddressRefused(HTTPError):
    """The name leads into a private network, or nowhere. Nothing was connected to."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _REFUSED)


def public_addresses(host: str, port: int) -> list[str]:
    """The addresses of `host`. Raises AddressRefused if a single one of them is not public."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("the name has no address") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(_is_public_text(address) for address in addresses):
        raise AddressRefused("the name leads into a private network")
    return addresses


def public_pool(*, connections: int) -> urllib3.PoolManager:
    """Follows no proxy of the environment, as urllib3 does not by itself."""
    pool = urllib3.PoolManager(num_pools=1, maxsize=connections, retries=False)
    pool.pool_classes_by_scheme = {"http": _PublicHttpPool, "https": _PublicHttpsPool}
    return pool


def _is_public_text(address: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(address))
    except ValueError:
        return False  # With a scope ("fe80::1%eth0"), which no public address has.


class _PublicHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        for address in public_addresses(self.host, self.port):
            try:
                return create_connection(
                    (address, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError:
                continue
        raise NewConnectionError(self, "No address of the name took the connection.")


class _PublicHttps(_PublicHttp, HTTPSConnection):
    pass


class _PublicHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class _PublicHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PublicHttps
