"""Building URLs and recognizing our own."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from ari.base.ids import is_id, new_id
from ari.web.navigation import KEY_ID, RANGE_QUERY, with_query


def test_a_query_keeps_every_character_and_leaves_out_empty_values() -> None:
    """Text with ``&``, ``=``, ``#`` or letters of any script can't add a parameter or a fragment."""
    values = {"q": "a&b=c#d é", "status": "", "range": "7d"}
    built = urlsplit(with_query("/settings/usage", values))
    assert (built.path, built.fragment) == ("/settings/usage", "")
    assert parse_qs(built.query) == {"q": ["a&b=c#d é"], "range": ["7d"]}
    assert with_query("/x", {"q": ""}) == "/x"


def test_the_pattern_of_key_ids_agrees_with_the_ids_that_are_made() -> None:
    """A form may lead back to the page of every key, and to no other spelling."""
    made = new_id("key", 1_800_000_000_000)
    assert re.fullmatch(KEY_ID, made)
    for wrong in (made.lower(), made[:-1], made + "0", made[:-1] + "U"):
        assert not re.fullmatch(KEY_ID, wrong)
        assert not is_id("key", wrong)


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("", True),
        ("?range=7d", True),
        ("?range=90d&per=week", True),
        ("?range=8d", False),
        ("?per=week", False),
        ("?range=7d&next=//evil.example", False),
    ],
)
def test_only_the_known_ranges_are_led_back_to(query: str, known: bool) -> None:
    """A span of time in ``next`` is one that the page offers."""
    assert bool(re.fullmatch(RANGE_QUERY, query)) is known
