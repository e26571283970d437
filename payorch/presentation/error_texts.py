"""Words for errors that come from the framework: for people (translated) and for API clients."""

from __future__ import annotations

import math

from flask_babel import gettext, ngettext

API_DETAILS = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This address does not take this method; see the Allow header.",
    413: "The request body is too large.",
    415: "Send the body as application/json.",
    503: "The database does not answer. Repeat with the same key, or read the order, in a moment.",
    500: "Something went wrong on our side. Quote the incident id when you report it.",
}

_PAUSES = frozenset({"login_busy", "payments_paused", "ledger_unavailable"})


def page_texts(status: int, code: str, *, wait_s: int | None = None) -> tuple[str, str]:
    """Title and message of the HTML error page, in the language of the request."""
    match status:
        case 400:
            return gettext("This form cannot be read"), gettext(
                "It may have been open for too long. Go back, reload the page and send it again."
            )
        case 403:
            return gettext("You may not see this"), gettext(
                "Your account has no permission for this page."
            )
        case 404:
            return gettext("Page not found"), gettext(
                "There is nothing at this address. Links to orders end some time after the order."
            )
        case 409:
            return gettext("Something changed meanwhile"), gettext(
                "Go back, reload the page and look at it again before you go on."
            )
        case 413:
            return gettext("That was too much"), gettext("The form is larger than we accept.")
        case 429:
            return _too_many(code, wait_s)
        case 503 if code in _PAUSES:
            return _pause(code)
        case status if status >= 500:
            return gettext("Something went wrong on our side"), gettext(
                "If you were paying, look at your order's page first, and do not pay again "
                "before it tells you the result."
            )
        case _:
            return gettext("This did not work"), gettext("Go back and try again.")


def _pause(code: str) -> tuple[str, str]:
    match code:
        case "login_busy":
            return gettext("Too many logins at this moment"), gettext(
                "Your password was not looked at. Please try again in a few seconds."
            )
        case "payments_paused":
            return gettext("Payments are paused"), gettext(
                "Payments are paused for a short check. Nothing was charged."
            )
        case _:
            return gettext("Payments are paused"), gettext(
                "Please try again in a minute. If you had pressed Pay, do the same again: "
                "you will not be charged twice."
            )


def _too_many(code: str, wait_s: int | None) -> tuple[str, str]:
    if code == "too_many_logins" and wait_s is not None:
        return gettext("Too many failed logins"), ngettext(
            "Too many logins failed from your network. Try again in %(num)d minute.",
            "Too many logins failed from your network. Try again in %(num)d minutes.",
            math.ceil(wait_s / 60),
        )
    return gettext("Too many tries"), gettext("Please wait a while and try again.")
