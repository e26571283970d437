"""What a list was asked for: search text, filters and place, read from the URL and put back."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self
from urllib.parse import quote

from werkzeug.datastructures import MultiDict

from payorch.presentation.backoffice.masked_texts import masked_email
from payorch.presentation.backoffice.shell.exact_filters import ExactFilter
from payorch.presentation.backoffice.shell.exact_search import cleaned

SEARCH = "search"
NO_FILTERS = frozenset({SEARCH, "after", "before", "part"})
"""Names that mean something else in a list's address: a filter of that name would break paging."""

Direction = Literal["after", "before"]


@dataclass(frozen=True, slots=True)
class ListCriteria:
    """`after` a row means older ones, `before` newer ones; without a cursor the newest."""

    search: str
    filters: Mapping[str, str]
    direction: Direction = "after"
    cursor: str | None = None

    @classmethod
    def from_args(cls, args: MultiDict[str, str], filters: Sequence[ExactFilter]) -> Self:
        given = {f.name: args.get(f.name, "").replace("\0", "").strip() for f in filters}
        before = args.get("before")
        return cls(
            search=cleaned(args.get(SEARCH, "")),
            filters={name: value for name, value in given.items() if value},
            direction="before" if before else "after",
            cursor=before or args.get("after"),
        )

    def query_args(self) -> dict[str, str]:
        """The arguments of this very list's address."""
        args = dict(self.filters)
        if self.search:
            args[SEARCH] = self.search
        if self.cursor:
            args[self.direction] = self.cursor
        return args

    def journalled(self) -> str:
        """What the list was cut down by, for the journal, which keeps it for ever: a customer's
        address that was searched for is masked.
        """
        args = self.from_start().query_args()
        return "&".join(f"{name}={_journalled(text)}" for name, text in args.items())

    def without(self, name: str) -> Self:
        """The same, from the start, with one filter (or the search) taken away."""
        return replace(
            self,
            search="" if name == SEARCH else self.search,
            filters={key: value for key, value in self.filters.items() if key != name},
            cursor=None,
        )

    def at(self, direction: Direction, cursor: str) -> Self:
        return replace(self, direction=direction, cursor=cursor)

    def from_start(self) -> Self:
        return replace(self, cursor=None)


def _journalled(text: str) -> str:
    # As the search reads it, which takes other signs for an @ as well.
    plain = unicodedata.normalize("NFKC", text)
    addresses = [masked_email(word) for word in plain.split() if "@" in word]
    return " ".join(addresses) or quote(text)
