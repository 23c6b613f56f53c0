"""Lists are numbered pages: how to go through all of them while others add and remove."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic

from gatehouse_client.model import Item, Page

if TYPE_CHECKING:
    from gatehouse_client.call import Call


def turned(call: Call, number: int) -> Call:
    """The same list, at another page."""
    query = tuple((name, value) for name, value in call.query if name != "page")
    return replace(call, query=(*query, ("page", str(number))))


@dataclass
class Turning(Generic[Item]):
    """What was added at the front meanwhile pushes items onto the next page: those were seen already.

    What was removed pulls one off it, which a numbered page can't show.
    """

    _before: list[Item] = field(default_factory=list[Item])

    def new(self, page: Page[Item]) -> list[Item]:
        """The items that were not on the page before."""
        seen = {_identity(item) for item in self._before}
        self._before = page.items
        return [item for item in page.items if _identity(item) not in seen]

    def is_last(self, page: Page[Item]) -> bool:
        """Whether no page comes after it."""
        return not page.items or page.page * page.page_size >= page.total


def _identity(item: object) -> object:
    """By what an item is known: its id, else all of it."""
    for name in ("id", "client_id"):
        if (identity := getattr(item, name, None)) is not None:
            return identity
    return repr(item)
