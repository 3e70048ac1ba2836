"""Pages of lists."""

import json

from ari.api.responses import respond_page
from ari.base.cursor import decode_cursor
from ari.base.ids import new_id

IDS = [new_id("key", number) for number in range(3)]


def test_the_cursor_continues_after_the_last_item_shown() -> None:
    """The item that was read to see whether there is more is the first of the next page."""
    found = json.loads(bytes(respond_page([{"id": key_id} for key_id in IDS], 2).body))
    assert [item["id"] for item in found["items"]] == IDS[:2]
    assert decode_cursor(found["next_cursor"]) == IDS[1]


def test_the_last_page_has_no_cursor() -> None:
    """Also where it is just full: a client must not fetch an empty page."""
    full = json.loads(bytes(respond_page([{"id": key_id} for key_id in IDS], 3).body))
    assert (len(full["items"]), full["next_cursor"]) == (3, None)
