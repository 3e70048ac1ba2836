"""Build the URLs in the ``urls`` modules of page folders."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

KEY_ID = "key_[0-9A-HJKMNP-TV-Z]{26}"
CONSUMER_ID = "con_[0-9A-HJKMNP-TV-Z]{26}"
RANGE_QUERY = r"(?:\?range=(?:24h|7d|30d|90d)(?:&per=(?:hour|day|week))?)?"


class Toast(NamedTuple):
    """A message that the page after a form shows; the cookie between them holds only its id."""

    id: str
    text: str


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The URL with a query of the values that are not empty."""
    given = {name: value for name, value in values.items() if value}
    return f"{url}?{urlencode(given)}" if given else url


def own_url(url: str) -> str:
    """The same URL; marks, in a template, one that ARI built."""
    return url
