"""Keys of a remote instance."""

from collections.abc import Iterator
from typing import Any

import pytest

from ari.cli.remote.keys import RemoteKeys

EARLY, LATE = "2027-01-15T08:00:00.000Z", "2027-01-15T08:00:01.000Z"


class Pages:
    """A connection to an instance whose list of keys has these pages."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def list_pages(self, *_path: str, **_query: Any) -> Iterator[dict[str, Any]]:
        """The pages, whatever is asked."""
        yield from self._pages


@pytest.mark.parametrize(
    ("of_pages", "of_list"),
    [((None, None), None), ((EARLY, LATE), EARLY), ((None, LATE), LATE), ((EARLY, None), EARLY)],
)
def test_a_list_is_complete_until_its_earliest_page_is(of_pages: tuple[str | None, ...], of_list: str | None) -> None:
    """Pages are read one after the other, while requests are counted. An older server has no such field."""
    pages = [{"items": [{"id": number}], "complete_until": until} for number, until in enumerate(of_pages)]
    connection: Any = Pages(*pages, {"items": []})
    remote = RemoteKeys(connection)
    assert [key["id"] for key in remote.list_by("-created")] == [0, 1]
    assert remote.complete_until == of_list
