"""From one page of a list to the next."""

from collections.abc import Sequence
from typing import Any, TypeVar

from ari.client.api_call import ApiCall
from ari.client.exceptions import UnexpectedResponse

PageT = TypeVar("PageT")
MAX_EMPTY_PAGES = 1_000
"""Empty pages in a row that are read. ARI sends one if it has searched for long and found nothing yet."""


class PageWatch:
    """Notices a list that would never end: one whose cursors repeat, or which has only empty pages.

    It remembers one cursor, replaced after 1, 2, 4, 8 … pages (Brent's algorithm), so a cycle of any length is found.
    """

    def __init__(self) -> None:
        self._kept: str | None = None
        self._steps = 0
        self._span = 1
        self._empty_pages = 0

    def check(self, cursor: object, item_count: int) -> None:
        """Note the cursor of the next page. Raises UnexpectedResponse."""
        if not isinstance(cursor, str) or not cursor:
            raise UnexpectedResponse("The cursor of the next page isn't text.")
        if cursor == self._kept:
            raise UnexpectedResponse("The server returned the same page again.")
        self._empty_pages = 0 if item_count else self._empty_pages + 1
        if self._empty_pages > MAX_EMPTY_PAGES:
            raise UnexpectedResponse("The server returns empty pages without end.")
        if self._kept is None or self._steps == self._span:
            self._span = self._span if self._kept is None else self._span * 2
            self._kept, self._steps = cursor, 0
        self._steps += 1


def list_items(page: Any) -> Sequence[Any]:
    """The items of a page."""
    items: Sequence[Any] = page.items
    return items


def next_call(call: ApiCall[PageT], page: Any, watch: PageWatch) -> ApiCall[PageT] | None:
    """The call for the next page; None after the last. Raises UnexpectedResponse if the list would never end."""
    cursor = page.next_cursor
    if cursor is None:
        return None
    if cursor == call.query.get("cursor"):
        raise UnexpectedResponse("The server returned the same page again.")
    watch.check(cursor, len(list_items(page)))
    return call.with_cursor(cursor)
