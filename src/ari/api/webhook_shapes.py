"""Requests and responses about webhooks and their deliveries."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.api.shapes import SECRET, NextCursor, Nullable, PageIn, RequestModel, Time, not_null
from ari.keys.names import NAME_LENGTH
from ari.webhooks.model import FORMATS, OFF_REASONS, STATES
from ari.webhooks.target_url import MAX_URL

_WEBHOOK_ID = "whk_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_DELIVERY_ID = "msg_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - the specification's example
_TIME: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-25T18:23:20.000Z"]}
_EXAMPLE: dict[str, JsonValue] = {
    "name": "Ticket system",
    "url": "https://tickets.example.com/hooks/ari",
    "events": ["key.*", "account.two_factor_disabled"],
}
WebhookId = Annotated[str, Path(description="ID of a webhook.", examples=[_WEBHOOK_ID])]
DeliveryId = Annotated[str, Path(description="ID of a delivery.", examples=[_DELIVERY_ID])]
_Name = Annotated[
    StrictStr, Field(examples=["Ticket system"], json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH})
]
_Url = Annotated[
    StrictStr, Field(examples=["https://tickets.example.com/hooks/ari"], json_schema_extra={"maxLength": MAX_URL})
]
_Events = Annotated[list[Annotated[StrictStr, Field(max_length=120)]], Field(max_length=200, examples=[["key.*"]])]
_EVENTS = "Types of events such as `key.revoked`, groups such as `key.*`, or `*` for all."
_URL = "Where to send events; https, unless the address is private. Only the owner can set a private one."


def _join(words: Mapping[Any, str]) -> str:
    return "; ".join(f"`{name}`: {one[0].lower()}{one[1:].rstrip('.')}" for name, one in words.items())


class NewWebhookIn(RequestModel):
    """A webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: _Name = Field(description="What receives the events.")
    url: _Url = Field(description=f"{_URL} It is stored encrypted.")
    events: _Events = Field(["*"], description=_EVENTS)
    format: StrictStr = Field(
        "standard",
        description=f"{_join(FORMATS)}. It can't be changed.",
        json_schema_extra={"enum": [*FORMATS]},
    )


class WebhookChangeIn(RequestModel):
    """Fields to change; omitted fields stay the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": False}]})

    name: _Name | None = Field(None, description="What receives the events.", json_schema_extra=not_null)
    url: _Url | None = Field(None, description=_URL, json_schema_extra=not_null)
    events: _Events | None = Field(None, description=_EVENTS, json_schema_extra=not_null)
    on: StrictBool | None = Field(
        None,
        description="Whether it gets events. What happens while it is off is never sent.",
        examples=[False],
        json_schema_extra=not_null,
    )


class RotateWebhookSecretIn(RequestModel):
    """How to rotate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retire_old_now": True}]})

    retire_old_now: StrictBool = Field(
        False, description="Stop signing with the old secret now, not in 24 hours.", examples=[False]
    )


class ReplayFailedIn(RequestModel):
    """Which failed deliveries to send again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-11-25T00:00:00Z"}]})

    since: Time | None = Field(
        None, description="Only those of events since this time; omit for all.", json_schema_extra=not_null
    )


class DeliveriesIn(PageIn):
    """Paging and filter."""

    state: Literal["waiting", "sending", "delivered", "failed"] | None = Field(
        None, description="Only deliveries in this state.", examples=["failed"]
    )


class WebhookOut(BaseModel):
    """A webhook; its URL is shortened and its secret isn't in it."""

    id: str = Field(description="ID.", examples=[_WEBHOOK_ID])
    name: str = Field(description="What receives the events.", examples=["Ticket system"])
    url: str = Field(description="Scheme and host of its URL.", examples=["https://tickets.example.com/…"])
    format: Literal["standard", "slack", "discord", "ntfy"] = Field(description=f"{_join(FORMATS)}.")
    events: list[str] = Field(description=_EVENTS, examples=[["key.*"]])
    on: bool = Field(description="Whether it gets events.", examples=[True])
    off_reason: Literal["paused", "gone", "failing", "key_ended", "restored"] | None = Field(
        description=f"Why it is off. {_join(OFF_REASONS)}.", examples=[None]
    )
    created_at: str = Field(description="When it was added.", json_schema_extra=_TIME)
    created_by: str = Field(description="ID of the account or key that added it.", examples=["cli:alice"])
    url_set_by: str = Field(
        description="Who set its URL. If a key did, the webhook works only while the key does.", examples=["cli:alice"]
    )
    old_secret_until: Nullable = Field(
        description="Until when the old secret signs too, after a rotation.", examples=[None]
    )
    failing_since: Nullable = Field(description="First failed attempt after the last success.", examples=[None])
    last_delivered_at: Nullable = Field(description="Last success.", examples=["2026-11-25T18:23:31.482Z"])


class WebhooksOut(BaseModel):
    """All webhooks."""

    items: list[WebhookOut] = Field(description="The webhooks, oldest first.")
    next_cursor: None = Field(description="Always `null`: all webhooks are on one page.", examples=[None])


class WebhookSecretOut(BaseModel):
    """A webhook and its signing secret."""

    webhook: WebhookOut = Field(description="The webhook.")
    secret: str | None = Field(
        description="Its signing secret, shown only in this response; `null` for formats without signatures.",
        examples=[_SECRET],
        json_schema_extra=SECRET,
    )


class DeliveryOut(BaseModel):
    """One event for one webhook."""

    id: str = Field(description="ID; also the header `webhook-id` of each attempt.", examples=[_DELIVERY_ID])
    webhook_id: str = Field(description="ID of the webhook.", examples=[_WEBHOOK_ID])
    event_id: str = Field(description="ID of the audit event.", examples=["evt_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    type: str = Field(description="Type of the event.", examples=["key.revoked"])
    time: str = Field(description="When the event happened.", json_schema_extra=_TIME)
    state: Literal["waiting", "sending", "delivered", "failed"] = Field(
        description=f"{_join(STATES)}.", examples=["delivered"]
    )
    attempts: int = Field(description="Number of attempts.", examples=[1])
    last_attempt_at: Nullable = Field(description="When the last attempt ended.", examples=["2026-11-25T18:23:31.482Z"])
    next_attempt_at: Nullable = Field(description="Next attempt, if waiting.", examples=[None])
    status: int | None = Field(description="HTTP status of the last response.", examples=[200])
    duration_ms: int | None = Field(description="How long the last attempt took.", examples=[87])
    error: str | None = Field(description="Why the last attempt failed.", examples=[None])
    test: bool = Field(description="Whether it was sent by a test.", examples=[False])


class DeliveriesOut(BaseModel):
    """A page of a webhook's deliveries, newest first."""

    items: list[DeliveryOut] = Field(description="Deliveries on this page.")
    next_cursor: NextCursor


class ReplayedOut(BaseModel):
    """Result of a replay."""

    count: int = Field(description="How many deliveries were queued again.", examples=[3])
