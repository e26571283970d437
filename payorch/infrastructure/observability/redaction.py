"""Takes card data, secrets and e-mail addresses out of everything that is about to be logged.

It runs inside the log handler, on the finished event, so that nothing gets past it: our own
fields, other libraries' messages and the text of exceptions. When in doubt it hides too much.
"""

import re
from collections.abc import Mapping
from typing import Any

from payorch.domain.instrument import passes_luhn

HIDDEN = "[hidden]"
HIDDEN_CARD = "[card number]"
HIDDEN_EMAIL = "[e-mail]"

_SECRET_WORDS = frozenset(
    {"password", "passwd", "secret", "token", "authorization", "cookie", "credential"}
    | {"credentials", "apikey", "cvc", "cvv", "cvc2", "cvv2", "csc", "pan", "cardnumber"}
    | {"holder", "email"}
)
_SECRET_ENDINGS = ("api_key", "secret_key", "card_number", "security_code")
"""Parts and endings of field names whose text is never logged, whatever it looks like."""

_COUNTED = frozenset({"number", "token"})
"""Whole numbers of these names are counters: a submission's number, a fencing token."""

_MAX_TEXT = 32_000
_OURS = frozenset({"timestamp", "level", "logger", "request_id", "incident_id"})
"""Made by us from nothing that anybody sent; this is in the path of every payment."""

_MAX_DEPTH = 6
_SHORTEST_CARD_NUMBER = 13

# Luhn lengths of ISO/IEC 7812 are 13 to 19 digits; people put blanks, dots or dashes between.
_DIGIT_RUN = re.compile(r"\d(?:[\s.\-_\u2010-\u2015]{0,2}\d){12,}")
_DIGITS = re.compile(r"\d+")
# What people may have before the @ (RFC 5322), without the signs that part a URL or a field.
_EMAIL = re.compile(r"[\w.+%\-'!#$*^`{|}~]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63})+")
# Nothing unbounded stands before a keyword, so that a long text cannot make the search quadratic.
_NAMED_SECRET = re.compile(
    r"(?i)((?:password|passwd|secret|api[_-]?key|authorization|cookie|card[_ ]?number"
    r"|security[_ ]?code|(?:(?<![a-z0-9])|(?<=%5b))(?:token|cvc2?|cvv2?|csc))[\w\-]{0,30}"
    r"""(?:["'\]]|%5D)*\s*(?::|=>?)\s*["']?)"""
    r"""(?:(?:bearer|basic)\s+)?[^\s"',;&)}\]]+"""
)
_SCHEME_SECRET = re.compile(r"(?i)\b(bearer|basic)[ \t]+[\w.~+/=\-]{6,}")
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_LINK_TOKEN = re.compile(r"(/(?:orders|checkout)/)(?!po_|options\b|return\b)[\w\-]{16,}")
# Of an API key the id may be read, which says whose it is and opens nothing.
_API_KEY = re.compile(r"(po_(?:live|test)_[0-9A-Za-z]{8}_)[0-9A-Za-z_]+")
# SQLAlchemy ends its errors with the statement's values: names, addresses, hashes.
_SQL_VALUES = re.compile(r"\[parameters: [^\n]*")
# PostgreSQL repeats the whole row that a constraint refused.
_SQL_ROW = re.compile(r"(Failing row contains )\([^\n]*")


def redact_event(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The structlog processor: the event with everything sensitive replaced."""
    return {
        key: value if key in _OURS else _redacted(key, value, _MAX_DEPTH)
        for key, value in event.items()
    }


def redact_text(text: str) -> str:
    """`text` without card numbers, security codes, secrets and e-mail addresses."""
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]} [cut]"
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    if "@" in text:
        text = _EMAIL.sub(HIDDEN_EMAIL, text)
    if "/" in text:
        text = _LINK_TOKEN.sub(rf"\1{HIDDEN}", text)
    text = _API_KEY.sub(rf"\1{HIDDEN}", text)
    if "[parameters" in text:
        text = _SQL_VALUES.sub(f"[parameters: {HIDDEN}]", text)
    if "Failing row" in text:
        text = _SQL_ROW.sub(rf"\1{HIDDEN}", text)
    if len(text) >= _SHORTEST_CARD_NUMBER:
        text = _DIGIT_RUN.sub(_without_card_numbers, text)
    if ":" in text or "=" in text:
        text = _NAMED_SECRET.sub(rf"\1{HIDDEN}", text)
    if " " in text or "\t" in text:
        text = _SCHEME_SECRET.sub(rf"\1 {HIDDEN}", text)
    return text


def _redacted(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _redacted_number(key, value)
    if _names_secret(key):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    if depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            redact_text(str(name)): _redacted(str(name), item, depth - 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(key, item, depth - 1) for item in value]
    return redact_text(str(value))


def _redacted_number(key: str, value: int) -> int | str:
    if _names_secret(key) and key not in _COUNTED:
        return HIDDEN
    is_long = 10**12 <= value < 10**19
    return HIDDEN_CARD if is_long and passes_luhn(str(value)) else value


def _names_secret(key: str) -> bool:
    name = key.lower().replace("-", "_")
    return (
        name == "number"
        or name.endswith(_SECRET_ENDINGS)
        or not _SECRET_WORDS.isdisjoint(name.split("_"))
    )


def _without_card_numbers(run: re.Match[str]) -> str:
    """The run with every card number in it replaced.

    A card number starts and ends where a group of digits does: "4242 4242 4242 4242 12 27" holds
    one followed by its date, while a 24-digit id holds none, whatever its digits.
    """
    text = run.group()
    groups = list(_DIGITS.finditer(text))
    pieces: list[str] = []
    done = index = 0
    while index < len(groups):
        last = _card_number_from(groups, index)
        if last is None:
            index += 1
            continue
        pieces += [text[done : groups[index].start()], HIDDEN_CARD]
        done = groups[last].end()
        index = last + 1
    return "".join(pieces) + text[done:]


def _card_number_from(groups: list[re.Match[str]], first: int) -> int | None:
    """Index of the group with which a card number that begins at `first` ends."""
    digits = ""
    for index in range(first, len(groups)):
        digits += groups[index].group()
        if len(digits) > 19:
            return None
        if len(digits) >= _SHORTEST_CARD_NUMBER and passes_luhn(digits):
            return index
    return None
