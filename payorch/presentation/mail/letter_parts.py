"""What a letter consists of, before a template makes text or HTML of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterParts:
    """`facts` and `links` are (label, value) pairs; `sender` signs at the end."""

    language: str
    subject: str
    heading: str
    paragraphs: Sequence[str]
    facts: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[str, str]] = ()
    sender: str

    def cleaned(self, clean: Callable[[str], str]) -> Self:
        """The same with `clean` applied to every text; links are ours and stay as they are."""
        return replace(
            self,
            subject=clean(self.subject),
            heading=clean(self.heading),
            paragraphs=[clean(text) for text in self.paragraphs],
            facts=[(clean(label), clean(value)) for label, value in self.facts],
            sender=clean(self.sender),
        )
