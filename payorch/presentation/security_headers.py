"""The response headers of every page: a strict CSP with a nonce per request, and its friends.

Scripts and styles come from our own files or carry the nonce; nothing inline runs without it.
img-src allows blob: because Plotly draws its PNG download from one, and fails silently else.
"""

import secrets
from collections.abc import Sequence

from flask import Flask, Response, g, request

_FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "magnetometer=(), microphone=(), payment=(), usb=()"
    ),
}

# One year including subdomains is what browsers ask of a preload candidate (hstspreload.org).
_HSTS = "max-age=31536000; includeSubDomains"


def init_app(app: Flask, *, form_action_origins: Sequence[str] = (), https: bool = False) -> None:
    """Put the headers on every response of `app`, errors and static files included.

    `form_action_origins`: the origins of provider pages that a form post of ours may end at.
    Chromium applies form-action to the redirect too, so a 303 from our own pay form to a
    provider's page is blocked unless the provider's origin stands here.
    `https`: only then browsers are told to insist on it; on http://localhost that would lock
    a developer out of every other thing served there.
    """
    policy_template = _policy_template(form_action_origins)
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy_template.replace(
            "{nonce}", csp_nonce()
        )
        response.headers.update(_FIXED_HEADERS)
        if https:
            response.headers["Strict-Transport-Security"] = _HSTS
        if not _is_static():
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def csp_nonce() -> str:
    """This request's nonce: the same one for the header and for each element that needs it."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _policy_template(form_action_origins: Sequence[str]) -> str:
    for origin in form_action_origins:
        if not origin.isascii() or any(c in origin for c in " ;,'\"\r\n"):
            raise ValueError(f"not an origin for form-action: {origin!r}")
    directives = (
        "default-src 'none'",
        "script-src 'self' 'nonce-{nonce}'",
        "style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        " ".join(["form-action 'self'", *form_action_origins]),
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    )
    return "; ".join(directives)


def _is_static() -> bool:
    return request.endpoint is not None and request.endpoint.rsplit(".", 1)[-1] == "static"
