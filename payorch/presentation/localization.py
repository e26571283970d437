"""Which language a page is written in: asked for in the URL, remembered, or the browser's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Flask, Response, g, request
from flask_babel import Babel, get_locale, get_translations
from werkzeug.exceptions import RequestEntityTooLarge

from payorch import paths

if TYPE_CHECKING:
    from babel import Locale
    from babel.support import NullTranslations

LANGUAGES = {"en": "English", "es": "Español"}
"""Languages with a complete translation, each named in itself."""

LANGUAGE_COOKIE = "payorch_language"
_COOKIE_MAX_AGE_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class LanguageLink:
    code: str
    name: str
    url: str
    is_current: bool


def init_app(app: Flask) -> None:
    Babel(
        app,
        default_locale="en",
        default_timezone="UTC",
        default_translation_directories=str(paths.TRANSLATIONS),
        locale_selector=page_language_code,
    )
    # Flask-Babel's own look for the request, its domain and its locale at every single text.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of Jinja's extension
        lambda text: _catalog().ugettext(text),
        lambda one, many, number: _catalog().ungettext(one, many, number),
        newstyle=True,
    )
    app.jinja_env.globals["language_links"] = language_links
    app.after_request(_remember_language)


def page_language_code() -> str:
    """`lang` of the URL or the form, else the remembered language, else what the browser likes.

    The back office is written in English only, so that its own words and those of the
    libraries under it do not mix.
    """
    if request.path.startswith("/admin"):
        return "en"
    asked = _asked_language()
    remembered = request.cookies.get(LANGUAGE_COOKIE)
    for code in (asked, remembered):
        if code in LANGUAGES:
            g.language_asked = asked in LANGUAGES
            return str(code)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


_catalogs: dict[Locale, NullTranslations] = {}


def _catalog() -> NullTranslations:
    """The texts of the language of this page or letter."""
    locale = get_locale()
    if locale is None:
        return get_translations()
    if locale not in _catalogs:
        _catalogs[locale] = get_translations()
    return _catalogs[locale]


def language_links() -> list[LanguageLink]:
    """This page in each language."""
    current = str(get_locale() or "en")
    arguments = {key: value for key, value in request.args.items() if key != "lang"}
    return [
        LanguageLink(
            code, name, f"{request.path}?{urlencode({**arguments, 'lang': code})}", code == current
        )
        for code, name in LANGUAGES.items()
    ]


def _asked_language() -> str | None:
    return request.args.get("lang") or (_language_in_form() if request.method == "POST" else None)


def _language_in_form() -> str | None:
    """A form that is too large to be read says nothing; its error page still has a language."""
    try:
        return request.form.get("lang")
    except RequestEntityTooLarge:
        return None


def _remember_language(response: Response) -> Response:
    if g.get("language_asked"):
        response.set_cookie(
            LANGUAGE_COOKIE,
            str(get_locale()),
            max_age=_COOKIE_MAX_AGE_S,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response
