"""A list ends, whatever the server says."""

from types import SimpleNamespace

import pytest

from ari.client.api_call import ApiCall
from ari.client.exceptions import UnexpectedResponse
from ari.client.page_cursor import MAX_EMPTY_PAGES, PageWatch, list_items, next_call

CALL = ApiCall("GET", "/api/keys", dict, {"limit": 2})


def test_the_next_page_keeps_the_filters() -> None:
    """Only the cursor changes."""
    following = next_call(CALL, SimpleNamespace(items=[1], next_cursor="b"), PageWatch())
    assert following is not None
    assert following.query == {"limit": 2, "cursor": "b"}
    assert next_call(following, SimpleNamespace(items=[], next_cursor=None), PageWatch()) is None
    assert list_items(SimpleNamespace(items=[1])) == [1]


def test_the_same_page_again_is_an_error() -> None:
    """Instead of a loop without end."""
    with pytest.raises(UnexpectedResponse):
        next_call(CALL.with_cursor("b"), SimpleNamespace(items=[1], next_cursor="b"), PageWatch())


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
def test_pages_in_a_circle_are_an_error(length: int) -> None:
    """Whatever the length of the cycle, and although each page has items."""
    watch = PageWatch()

    def read() -> None:
        for number in range(10 * length):
            watch.check(f"cursor {number % length}", 1)

    with pytest.raises(UnexpectedResponse, match="same page"):
        read()


def test_a_list_of_any_length_is_read() -> None:
    """Cursors that differ are no cycle."""
    watch = PageWatch()
    for number in range(5_000):
        page = SimpleNamespace(items=range(number % 500), next_cursor=f"cursor {number}")
        assert next_call(CALL, page, watch) is not None


def test_empty_pages_end() -> None:
    """A few are ARI's own, from a long search; endless ones aren't."""
    watch = PageWatch()
    for number in range(MAX_EMPTY_PAGES):
        watch.check(f"cursor {number}", 0)
    with pytest.raises(UnexpectedResponse, match="empty pages"):
        watch.check("one more", 0)


@pytest.mark.parametrize("cursor", ["", 5, [], {}])
def test_a_cursor_that_is_no_text(cursor: object) -> None:
    """It can't name a page."""
    with pytest.raises(UnexpectedResponse):
        PageWatch().check(cursor, 1)
