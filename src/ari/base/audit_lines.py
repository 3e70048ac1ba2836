"""The audit log as lines of JSON that prove themselves: one for each event, and signed heads between them.

The line of an event has every field that its hash covers, the hash of the event before it and its own. Collectors may
add fields, change the spacing, or put a syslog header in front.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ari.base.audit import Head, Mark
from ari.base.clock import LATEST_MS, to_rfc3339
from ari.base.events import Event, Origin, chain_hash, event_facts
from ari.base.signing import PUBLIC_BYTES, SIGNATURE_BYTES, Signature

MEDIA_TYPE = "application/jsonl"
MAX_LINE_BYTES = 16 * 1024 * 1024
"""An event of the largest bulk change is shorter. A longer line is not read."""
_EVENT_ID = re.compile(r"evt_[0-9A-HJKMNP-TV-Z]{26}")
_ID = re.compile(r"[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HASH = re.compile(r"[0-9a-f]{64}")
_BEGINNING = re.compile(rb'\{\s*"(?:id|statement)"\s*:')
_TEXTS = ("client_address", "user_agent", "request_id", "subject")


class NotAuditLine(ValueError):
    """The line can't be one of an audit log; the message is the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event, the hash of the event before it, and the hash that was stored with it."""

    event: Event
    previous: str
    hash: str

    @property
    def fits(self) -> bool:
        """Whether the hash is that of exactly this event after that one."""
        return chain_hash(self.previous, self.event) == self.hash

    def to_line(self) -> bytes:
        """The line, in ASCII, with its line end."""
        facts = event_facts(self.event) | {"at_ms": self.event.at_ms, "previous": self.previous, "hash": self.hash}
        return f"{json.dumps(facts)}\n".encode()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it was signed, and what it says."""

    mark: Mark
    head: Head


def write_head(mark: Mark) -> bytes:
    """The line of a signed head."""
    facts = {
        "statement": mark.text,
        "public_key": b64encode(mark.signature.public).decode(),
        "signature": b64encode(mark.signature.value).decode(),
    }
    return f"{json.dumps(facts)}\n".encode()


def parse_line(line: bytes) -> ChainedEvent | SignedHead:
    """The event or the head in a line. Raises ``NotAuditLine``."""
    facts = _read_object(line)
    return _parse_head(facts) if "statement" in facts else _parse_event(facts)


def _read_object(line: bytes) -> dict[str, Any]:
    """The JSON object at the end of the line. The header before it may have a brace, too, as in the name of a user."""
    start = line.find(b"{")
    if start < 0:
        raise NotAuditLine("has no JSON object")
    try:
        return _load(line[start:])
    except NotAuditLine:
        later = _BEGINNING.search(line, start + 1)
        if later is None or not line[:start].strip():
            raise
        return _load(line[later.start() :])


def _load(content: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(content.decode(), object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)
    except NotAuditLine:
        raise
    except UnicodeDecodeError:
        raise NotAuditLine("isn't valid UTF-8") from None
    except RecursionError:
        raise NotAuditLine("is nested too deeply") from None
    except ValueError:
        raise NotAuditLine("isn't valid JSON, or is cut off") from None
    if not isinstance(facts, dict):
        raise NotAuditLine("isn't a JSON object")
    return facts


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers could take different ones of two members with the same name."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAuditLine("names a member twice")
    return found


def _refuse_constant(_: str) -> None:
    raise NotAuditLine("isn't valid JSON")


def _parse_head(facts: dict[str, Any]) -> SignedHead:
    try:
        public, value = (b64decode(facts[name], validate=True) for name in ("public_key", "signature"))
    except (KeyError, TypeError, ValueError):
        public = value = b""
    text = facts["statement"]
    head = Head.parse(text) if isinstance(text, str) else None
    if head is None or len(public) != PUBLIC_BYTES or len(value) != SIGNATURE_BYTES or not _is_sound(head):
        raise NotAuditLine("isn't a signed head")
    return SignedHead(Mark(text, Signature(public, value)), head)


def _is_sound(head: Head) -> bool:
    """Whether each field has its type: anybody can sign a statement with a key of their own."""
    replaced: Any = head.replaced
    if not isinstance(replaced, dict) or not all(_matches(_ID, one) for one in replaced):
        return False
    counts = (head.position, head.at_ms, head.unsigned, head.accepted, *replaced.values())
    if not all(_is_count(number) for number in counts):
        return False
    named = [one for one in (head.event_id, head.unsigned_event_id, head.history) if one is not None]
    return (
        all(_matches(_EVENT_ID, one) for one in named) and _matches(_ID, head.instance) and _matches(_HASH, head.hash)
    )


def _parse_event(facts: dict[str, Any]) -> ChainedEvent:
    checks: dict[str, Callable[[Any], bool]] = {
        "id": lambda value: _matches(_EVENT_ID, value),
        "name": lambda value: _matches(_NAME, value),
        "at_ms": lambda value: _is_count(value) and value <= LATEST_MS,
        "previous": lambda value: _matches(_HASH, value),
        "hash": lambda value: _matches(_HASH, value),
        "actor": lambda value: isinstance(value, str),
        "door": lambda value: isinstance(value, str),
        "detail": lambda value: isinstance(value, dict),
        **dict.fromkeys(_TEXTS, lambda value: value is None or isinstance(value, str)),
    }
    for name, fits in checks.items():
        if name not in facts or not fits(facts[name]):
            raise NotAuditLine(f"isn't an event of the audit log (see its {name})")
    at_ms = facts["at_ms"]
    event = Event(
        facts["id"],
        at_ms,
        facts["name"],
        facts["actor"],
        facts["subject"],
        Origin(facts["door"], facts["client_address"], facts["user_agent"], facts["request_id"]),
        facts["detail"],
    )
    if facts.get("time") != to_rfc3339(at_ms):
        raise NotAuditLine("has a time that isn't its at_ms")
    return ChainedEvent(event, facts["previous"], facts["hash"])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
