"""The JSON shapes of notifications: which are on, what became of them."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool

from ari.api.shapes import NextCursor, Nullable, Sent
from ari.notifications.model import STATES

_NOTICE_ID = "ntc_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_MAIL_ID = "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"
_TIME: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-25T18:23:20.000Z"]}
KindName = Annotated[
    str, Path(max_length=40, description="The name of a kind of notification.", examples=["key_expiring"])
]
_STATES = "; ".join(f"`{name}`: {words[0].lower()}{words[1:].rstrip('.')}" for name, words in STATES.items())


class NotificationChangeIn(Sent):
    """What shall differ."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": False}]})

    on: StrictBool = Field(description="Whether notifications of this kind are mailed.", examples=[False])


class NotificationOut(BaseModel):
    """A kind of notification."""

    kind: str = Field(description="Its name, for addresses and filters.", examples=["key_expiring"])
    title: str = Field(description="What people call it.", examples=["API key expires soon"])
    description: str = Field(description="When it is sent.", examples=["7 days and 1 day before a key in use expires."])
    on: bool = Field(description="Whether it is mailed.", examples=[True])


class MailOut(BaseModel):
    """How mail leaves this instance."""

    on: bool = Field(description="Whether mail is set up.", examples=[True])
    sender: Literal["resend", "smtp"] | None = Field(description="By what; `null` while it is off.")
    from_: str | None = Field(
        alias="from", description="The address that mails come from.", examples=["ARI <ari@example.net>"]
    )
    recipient: str | None = Field(description="Who gets them: the owner.", examples=["owner@example.com"])
    links: bool = Field(description="Whether mails carry a link; needs `ARI_PUBLIC_URL`.", examples=[True])


class NotificationsOut(BaseModel):
    """Which notifications there are, and how mail leaves."""

    mail: MailOut = Field(description="How mail leaves this instance.")
    items: list[NotificationOut] = Field(description="Every kind, in the order of the page.")


class NoticeOut(BaseModel):
    """One notification: what it is about, and how far its mail got."""

    id: str = Field(description="Its id; also the idempotency key of its mail.", examples=[_NOTICE_ID])
    kind: str = Field(description="The kind of notification, or `digest`.", examples=["key_expiring"])
    event_id: str = Field(
        description="The event of the audit trail that it tells of.", examples=["evt_01KB5Q2W8Z6N4T0V9YRJXH3M7C"]
    )
    time: str = Field(description="When that happened.", json_schema_extra=_TIME)
    state: Literal["waiting", "sending", "sent", "failed", "off", "unsent", "digest"] = Field(
        description=f"{_STATES}.", examples=["sent"]
    )
    subject: str = Field(
        description="The mail's subject.", examples=["The API key “Automation Script” expires in 7 days"]
    )
    recipient: str | None = Field(description="To whom.", examples=["owner@example.com"])
    attempts: int = Field(description="How often it was tried.", examples=[1])
    next_try_at: Nullable = Field(description="When it is tried next, if it waits.", examples=[None])
    sent_at: Nullable = Field(description="When the mail service took it.", examples=["2026-11-25T18:23:31.482Z"])
    sender: str | None = Field(description="The mail service: `resend` or `smtp`.", examples=["resend"])
    sender_id: str | None = Field(
        description="What the mail service calls it: Resend's id, or the Message-ID.", examples=[_MAIL_ID]
    )
    error: str | None = Field(
        description="Why the last try failed, or why there was none.", examples=["Email isn't set up."]
    )
    digest_id: str | None = Field(description="The notification that holds this one.", examples=[_NOTICE_ID])


class NoticesOut(BaseModel):
    """A page of the delivery history, newest first."""

    items: list[NoticeOut] = Field(description="The notifications of this page.")
    next_cursor: NextCursor


class TestedOut(BaseModel):
    """What came of a test mail."""

    sent: bool = Field(description="Whether the mail service took it.", examples=[True])
    said: str = Field(
        description="The same in words, with the reason if not.",
        examples=["Test email sent to owner@example.com. Check your inbox in a minute."],
    )
    seconds: float = Field(description="How long the mail service took.", examples=[0.42])
