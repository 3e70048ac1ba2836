"""Which API key a request presents: ``x-api-key`` or ``Authorization: Bearer``; other schemes are ignored."""

from collections.abc import Sequence

import msgspec

from ari.http.incoming import Incoming


class Presented(msgspec.Struct, frozen=True):
    """``tokens`` are all the different texts presented; more than one, or ``doubled``, is a contradiction."""

    tokens: tuple[bytes, ...]
    doubled: bool

    @property
    def contradictory(self) -> bool:
        return self.doubled or len(self.tokens) > 1


NOTHING = Presented((), doubled=False)
ONE_NOT_KEPT = Presented((b"",), doubled=False)
"""One token, of a head that came before."""


def presented(incoming: Incoming) -> Presented:
    """The credentials of the head. A header sent twice or holding a comma counts as doubled (security.md 2)."""
    key, authorization = incoming.headers.get(b"x-api-key"), incoming.headers.get(b"authorization")
    if authorization is None:
        if key is None:
            return NOTHING
        if incoming.repeated is None and b"," not in key:
            return Presented((key.strip(b" \t"),), doubled=False)
    return _presented(incoming.lines(b"x-api-key"), incoming.lines(b"authorization"))


def _presented(key_lines: Sequence[bytes], authorization: Sequence[bytes]) -> Presented:
    bearer = [line[7:] for line in authorization if line[:7].lower() == b"bearer "]
    doubled = len(key_lines) > 1 or len(authorization) > 1
    tokens: dict[bytes, None] = {}
    for line in (*key_lines, *bearer):
        parts = line.split(b",")
        doubled = doubled or len(parts) > 1
        tokens.update(dict.fromkeys(part.strip(b" \t") for part in parts))
    return Presented(tuple(tokens), doubled)
