"""Entries of the audit log, and the parameters of a search and of an export."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from ari.api.log_shapes import FROM
from ari.api.shapes import (
    ADDRESS,
    AGENT,
    KEY_ID,
    REQUEST_ID,
    TIME,
    NextCursor,
    OneLine,
    PageIn,
    RequestModel,
    parse_time,
)
from ari.base.audit import FIRST, Head, Mark
from ari.base.audit_feed import MAX_EVENTS, FeedPage
from ari.base.audit_lines import ChainedEvent
from ari.base.clock import from_rfc3339
from ari.base.event_export import FORMATS, pieces
from ari.base.event_search import DOORS, FILTERS, TEXT_LENGTH, EventSearch, parse_event_search
from ari.base.events import Event, Origin, chain_hash
from ari.base.signing import PUBLIC_BYTES, SIGNATURE_BYTES, Signature

_ACTOR = "usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_EVENT_ID = "evt_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_EXAMPLE = Event(
    _EVENT_ID,
    from_rfc3339("2026-11-23T14:02:11.402Z"),
    "key_revoked",
    _ACTOR,
    KEY_ID,
    Origin("web", ADDRESS, AGENT, REQUEST_ID),
    {"reason": "Committed to git"},
)
CSV_EXAMPLE, JSON_LINES_EXAMPLE = (b"".join(pieces(form, [[_EXAMPLE]], bom=False)).decode() for form in FORMATS)


_HASH = chain_hash(FIRST, _EXAMPLE)
_HEAD = Head("ins_01KB5Q2W8Z6N4T0V9YRJXH3M7C", 1, _EVENT_ID, _HASH, _EXAMPLE.at_ms)
_MARK = Mark(_HEAD.to_text(), Signature(bytes(PUBLIC_BYTES), bytes(SIGNATURE_BYTES)))
STREAM_EXAMPLE = b"".join(
    FeedPage([ChainedEvent(_EXAMPLE, FIRST, _HASH)], is_last=True, head=_MARK).to_lines()
).decode()
MAX_WAIT_SECONDS = 30


class EventSearchIn(RequestModel):
    """Filters for the audit log."""

    name: str | None = Field(
        None,
        max_length=1_000,
        pattern=r"^[a-z_]+(,[a-z_]+)*$",
        description="Only events with this name, such as `key_revoked`, or with one of several, separated by commas.",
        examples=["key_revoked,key_deleted"],
    )
    actor: OneLine | None = Field(
        None,
        description="Only events caused by this ID of an account or key, by `cli:` and a user name, or by `system`.",
        examples=[_ACTOR],
    )
    subject: OneLine | None = Field(None, description="Only events about this ID, such as a key's.", examples=[KEY_ID])
    door: str | None = Field(
        None,
        description=f"Only events caused here: {', '.join(f'`{door}`' for door in DOORS)}.",
        examples=["web"],
        json_schema_extra={"enum": [*DOORS, None]},
    )
    address: str | None = Field(
        None, max_length=64, description="Only events caused from this client IP address.", examples=[ADDRESS]
    )
    request_id: str | None = Field(
        None, max_length=TEXT_LENGTH, description="Only events caused by this request.", examples=[REQUEST_ID]
    )
    since: str | None = Field(
        None, max_length=40, description="Only events at or after this time (RFC 3339).", json_schema_extra=FROM
    )
    until: str | None = Field(
        None, max_length=40, description="Only events before this time (RFC 3339).", json_schema_extra=TIME
    )
    q: str | None = Field(
        None,
        max_length=TEXT_LENGTH,
        description="Only events with this text in name, actor, subject, client address, user agent or details; "
        f"case-insensitive, up to {TEXT_LENGTH} characters.",
        examples=["committed to git"],
    )


class EventsIn(PageIn, EventSearchIn):
    """With a filter, a page scans at most 10,000 events, so it may have fewer than `limit`, or
    none, and still have a `next_cursor`. With `since` or `until`, events are in the order of their times; otherwise in
    the order in which they were written, which differs where the clock was set back."""


class EventExportIn(EventSearchIn):
    """What to export, and in which format."""

    format: Literal["csv", "jsonl"] = Field(
        "csv", description="`csv` has a header row; `jsonl` has one JSON object per line."
    )
    bom: bool = Field(
        True,
        description="Whether CSV starts with a byte order mark, so that spreadsheets read it as UTF-8. In Python, read "
        "it as `utf-8-sig` or set this to `false`.",
    )


class EventStreamIn(RequestModel):
    """Where to continue, and how much to read."""

    after: str | None = Field(
        None,
        pattern=r"^evt_[0-9A-HJKMNP-TV-Z]{26}$",
        description="The `id` of the last event you have. Without it, the stream begins with the oldest event.",
        examples=[_EVENT_ID],
    )
    limit: int = Field(1_000, ge=1, le=MAX_EVENTS, description="Maximum number of events.")
    wait_seconds: int = Field(
        0, ge=0, le=MAX_WAIT_SECONDS, description="How long to wait for an event if there is none after `after` yet."
    )
    history: str | None = Field(
        None,
        pattern=r"^(any|res_[0-9A-HJKMNP-TV-Z]{26})$",
        description="The restore that the instance must have begun with, from `ari audit head`. Required to continue a "
        "copy after an event from before that restore. `any` while you read the log from its oldest event on.",
        examples=["res_01J9Z3K8Q4W2X6V0T5R7P1N3M8"],
    )


class EventOut(BaseModel):
    """One entry of the audit log."""

    id: str = Field(description="Event ID.", examples=[_EVENT_ID])
    time: str = Field(description="When it happened.", json_schema_extra=TIME)
    name: str = Field(description="Event name, such as `key_revoked`.", examples=["key_revoked"])
    actor: str = Field(
        description="Who did it: the ID of an account or key, `cli:` and a user name, or `system`.",
        examples=[_ACTOR],
    )
    subject: str | None = Field(description="ID of the affected key, account or integration.", examples=[KEY_ID])
    subject_name: str | None = Field(
        description="Name of the subject: the present one of a key or consumer, that of a webhook at the time; `null` "
        "for others.",
        examples=["Automation Script"],
    )
    door: str = Field(description="Where it was done: `web`, `api`, `cli` or `system`.", examples=["web"])
    client_address: str | None = Field(description="Client IP address.", examples=[ADDRESS])
    user_agent: str | None = Field(description="User agent.", examples=[AGENT])
    request_id: str | None = Field(description="Request ID.", examples=[REQUEST_ID])
    detail: dict[str, Any] = Field(
        description="Details that depend on the event; never a secret.", examples=[{"reason": "Committed to git"}]
    )


class EventsOut(BaseModel):
    """A page of the audit log, newest first."""

    items: list[EventOut] = Field(description="Events on this page.")
    next_cursor: NextCursor


def build_event_search(query: EventSearchIn, *, keys_only: bool) -> EventSearch:
    """The search. Raises ``Invalid`` for a parameter."""
    given = {name: getattr(query, name) for name in FILTERS}
    found = parse_event_search(given, parse_time("since", query.since), parse_time("until", query.until))
    return replace(found, keys_only=keys_only)
