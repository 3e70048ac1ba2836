"""Which keys a command changes together."""

from typing import NamedTuple


class MatchedBy(NamedTuple):
    """The filters that all keys to change match; ``None`` is any."""

    consumer: str | None
    tag: str | None
    kind: str | None
