"""A provider's answer is not trusted with a link: only a web address may stand in one."""

from __future__ import annotations

from urllib.parse import urlsplit


def web_address(url: str | None) -> str | None:
    """`url` when it is http(s) with a host; None for anything else, "javascript:..." included."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None
