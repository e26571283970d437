"""What every template may ask for: the page's language, money and times as text."""

from datetime import UTC, datetime

from flask import Flask
from flask_babel import get_locale
from markupsafe import Markup

from payorch.presentation.money_format import format_money


def init_app(app: Flask) -> None:
    app.jinja_env.globals["page_language"] = page_language
    app.jinja_env.filters["money"] = money
    app.jinja_env.filters["utc_time"] = utc_time


def page_language() -> str:
    """The BCP 47 tag of the language this page is rendered in, for `<html lang>`."""
    return (page_locale() or "en").replace("_", "-")


def page_locale() -> str:
    """Babel's name of the request's locale; English where there is no request."""
    return str(get_locale() or "en")


def money(amount_minor: int, currency: str) -> str:
    """The `money` filter: the amount with its currency, as this page's reader writes it."""
    return format_money(amount_minor, currency, page_locale())


def utc_time(moment: datetime | None) -> Markup | str:
    """A `<time>` element in UTC, to the second; a dash for a moment that has not come.

    The back office shows UTC everywhere, so that two people who talk about a payment read the
    same digits. Rows without a zone are taken as UTC: SQLite stores none.
    """
    if moment is None:
        return "-"
    at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return Markup('<time datetime="{iso}" title="{iso}">{text}</time>').format(
        iso=at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), text=at.strftime("%Y-%m-%d %H:%M:%S")
    )
