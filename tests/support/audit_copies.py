"""Chains of events and signed heads, as copies of an audit log have them."""

from collections.abc import Sequence
from pathlib import Path

from ari.base.audit import FIRST, Head, Mark
from ari.base.audit_lines import ChainedEvent, write_head
from ari.base.events import Event, Origin, chain_hash
from ari.base.ids import new_id
from ari.base.master_key import MasterKey, MasterKeys
from ari.base.signing import public_of

AT_MS = 1_800_000_000_000
INSTANCE = new_id("ins", AT_MS)


def make_key(folder: Path) -> MasterKey:
    """A new master key."""
    folder.mkdir(exist_ok=True)
    return MasterKeys(folder).make()


def make_chain(count: int, previous: str = FIRST) -> list[ChainedEvent]:
    """So many events after the one with this hash."""
    chain: list[ChainedEvent] = []
    for number in range(count):
        detail = {"name": f"Müller \u2028 {number}", "list": [1.5, None, {"b": 1, "a": "\x1b"}]}
        event = Event(new_id("evt", AT_MS), AT_MS + number, "key_created", "usr_1", "key_1", Origin("web"), detail)
        chain.append(ChainedEvent(event, previous, chain_hash(previous, event)))
        previous = chain[-1].hash
    return chain


def make_head(
    key: MasterKey, chain: Sequence[ChainedEvent], position: int | None = None, unsigned: int = 0, accepted: int = 0
) -> bytes:
    """The line of a head of the last of these events."""
    last, count = chain[-1], position or len(chain)
    head = Head(INSTANCE, count, last.event.id, last.hash, last.event.at_ms, unsigned, accepted=accepted)
    return write_head(Mark.of(key, head))


def to_lines(chain: Sequence[ChainedEvent]) -> list[bytes]:
    """Their lines."""
    return [one.to_line() for one in chain]


__all__ = ["AT_MS", "INSTANCE", "make_chain", "make_head", "make_key", "public_of", "to_lines"]
