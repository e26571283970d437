"""Letters rendered: one set of parts, shown by two templates, so that text and HTML agree.

There is no request here: jobs write letters. What customers typed (the description) is shown in
the body only, never in a header, escaped in HTML and without control characters.
"""

import re
import unicodedata
from gettext import NullTranslations

from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from payorch import paths
from payorch.application.notices import Letter, NoticeEvent, OrderFacts, RefundFacts
from payorch.presentation.localization import LANGUAGES
from payorch.presentation.mail.alert_letter import alert_letter
from payorch.presentation.mail.letter_parts import LetterParts
from payorch.presentation.mail.order_letters import LetterWriter, order_letter

ENGLISH = "en"

_LINE_BREAKING = frozenset({"Cc", "Zl", "Zp"})


class RenderedLetters:
    """`base_url` is where the links lead; `merchant_name` whom the customer paid."""

    def __init__(self, *, base_url: str, merchant_name: str, default_language: str) -> None:
        self._base_url = base_url
        self._merchant_name = merchant_name
        self._default_language = default_language
        self._environment = Environment(
            loader=FileSystemLoader(paths.TEMPLATES / "mail"),
            autoescape=select_autoescape(["html"], disabled_extensions=["txt"], default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._translations = {code: _translations(code) for code in LANGUAGES}

    def about_order(
        self, event: NoticeEvent, order: OrderFacts, refund: RefundFacts | None, *, is_payable: bool
    ) -> Letter:
        language = self._language_of(order)
        writer = LetterWriter(
            translations=self._translations[language],
            language=language,
            merchant_name=self._merchant_name,
            base_url=self._base_url,
        )
        return self._rendered(order_letter(writer, event, order, refund, is_payable=is_payable))

    def alert(self, name: str, facts: dict[str, str]) -> Letter:
        return self._rendered(alert_letter(name, facts, base_url=self._base_url))

    def _language_of(self, order: OrderFacts) -> str:
        known = (order.language or self._default_language).partition("_")[0]
        return known if known in LANGUAGES else ENGLISH

    def _rendered(self, parts: LetterParts) -> Letter:
        shown = parts.cleaned(visible)
        return Letter(
            subject=shown.subject,
            text=self._environment.get_template("letter.txt").render(letter=shown),
            html=self._environment.get_template("letter.html").render(letter=shown),
        )


def visible(text: str) -> str:
    """`text` as one line, without what is not seen: controls, and marks that turn reading around.

    U+202E and its like would let a description show the amount backwards (S38).
    """
    shown = (
        " " if unicodedata.category(c) in _LINE_BREAKING else c
        for c in text
        if unicodedata.category(c) != "Cf"
    )
    return re.sub(" {2,}", " ", "".join(shown)).strip()


def _translations(language: str) -> NullTranslations:
    """The texts in the code are the English ones."""
    if language == ENGLISH:
        return NullTranslations()
    return Translations.load(paths.TRANSLATIONS, [language])
