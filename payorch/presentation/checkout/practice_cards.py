"""A few card numbers of the practice provider, shown while no real money can move.

The full list is in the practice provider's documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask_babel import lazy_gettext as _

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString


class PracticeCard(NamedTuple):
    number: str
    effect: LazyString


PRACTICE_CARDS = (
    PracticeCard("4242 4242 4242 4242", _("is approved")),
    PracticeCard("4300 0000 0000 0017", _("the first provider declines, the next one approves")),
    PracticeCard("4000 0000 0000 0515", _("is declined: not enough money")),
    PracticeCard("4000 0000 0000 9011", _("is declined: wrong security code")),
    PracticeCard("4100 0000 0000 0027", _("is charged, but the provider does not answer")),
    PracticeCard("4200 0000 0000 0018", _("asks you to confirm at the bank")),
)
