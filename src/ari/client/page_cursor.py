"""From one page of a list to the next."""

from collections.abc import Sequence
from typing import Any, TypeVar

from ari.client.api_call import ApiCall
from ari.client.exceptions import UnexpectedResponse

PageT = TypeVar("PageT")


def list_items(page: Any) -> Sequence[Any]:
    """The items of a page."""
    items: Sequence[Any] = page.items
    return items


def next_call(call: ApiCall[PageT], page: Any) -> ApiCall[PageT] | None:
    """The call for the next page; None after the last. Raises UnexpectedResponse if the list would never end."""
    cursor = page.next_cursor
    if cursor is None:
        return None
    if cursor == call.query.get("cursor"):
        raise UnexpectedResponse("The server returned the same page again.")
    return call.with_cursor(cursor)
