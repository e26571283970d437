"""How often one address may do what is counted against it, per minute and process.

Kept in memory: a flood of forged requests must not become a flood of writes. Several processes
each have their own count, so that the limit of a site is this one times its processes.
"""

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

_IPV6_NETWORK = 64
"""Bits of an IPv6 address that name its network: whoever has one address has all the others."""


class SenderLimit:
    """Thread-safe."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    def wait_s(self, sender: str) -> int:
        """Count one: 0 within the limit, else whole seconds until the next minute begins."""
        network = network_of(sender)
        if self._windows.hit(self._limit, network):
            return 0
        reset_at = self._windows.get_window_stats(self._limit, network).reset_time
        return max(1, math.ceil(reset_at - time.time()))


def network_of(sender: str) -> str:
    """The IPv6 network or the IPv4 address; anything else is one sender of its own."""
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _IPV6_NETWORK), strict=False))
    return str(address)
