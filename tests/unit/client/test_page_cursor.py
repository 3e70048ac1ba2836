"""A list ends, whatever the server says."""

from types import SimpleNamespace

import pytest

from ari.client.api_call import ApiCall
from ari.client.exceptions import UnexpectedResponse
from ari.client.page_cursor import list_items, next_call

CALL = ApiCall("GET", "/api/keys", dict, {"limit": 2})


def test_the_next_page_keeps_the_filters() -> None:
    """Only the cursor changes."""
    following = next_call(CALL, SimpleNamespace(items=[1], next_cursor="b"))
    assert following is not None
    assert following.query == {"limit": 2, "cursor": "b"}
    assert next_call(following, SimpleNamespace(items=[], next_cursor=None)) is None
    assert list_items(SimpleNamespace(items=[1])) == [1]


def test_the_same_page_again_is_an_error() -> None:
    """Instead of a loop without end."""
    with pytest.raises(UnexpectedResponse):
        next_call(CALL.with_cursor("b"), SimpleNamespace(items=[1], next_cursor="b"))
