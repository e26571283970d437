"""Everything that payorch journals has words of its own in the back office."""

import re
from pathlib import Path

import payorch
from payorch.application.configuration import OperatingMode
from payorch.application.review import Conclusion
from payorch.application.review_refund import RefundConclusion
from payorch.presentation.backoffice.journal_texts import _TEXTS, CONCLUSIONS

SOURCES = Path(payorch.__file__).parent / "infrastructure"


def journalled_actions():
    """The actions that the repositories write, read from their source."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for line in re.findall(r"\baction=(.+),\n", path.read_text(encoding="utf-8")):
            found |= set(re.findall(r'(?<!f)"([a-z_.]+)"', line))
    return found


def test_every_action_has_words():
    actions = journalled_actions()

    assert len(actions) > 15
    assert actions - set(_TEXTS) == set()


def test_every_mode_and_conclusion_has_words():
    assert {f"enter_{mode.value}_mode" for mode in OperatingMode} <= set(_TEXTS)
    assert set(CONCLUSIONS) == {*map(str, Conclusion), *map(str, RefundConclusion)}
