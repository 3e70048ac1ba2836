"""Requests and responses about notifications."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool

from ari.api.shapes import NextCursor, Nullable, RequestModel
from ari.base.messages import EMAIL_IS_OFF
from ari.notifications.model import STATES

_NOTICE_ID = "ntc_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_MAIL_ID = "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"
_TIME: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-25T18:23:20.000Z"]}
KindName = Annotated[str, Path(max_length=40, description="Name of a notification.", examples=["key_expiring"])]
_STATES = "; ".join(f"`{name}`: {words[0].lower()}{words[1:].rstrip('.')}" for name, words in STATES.items())


class NotificationChangeIn(RequestModel):
    """Whether to send a notification."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": False}]})

    on: StrictBool = Field(description="Whether this notification is emailed.", examples=[False])


class NotificationOut(BaseModel):
    """A kind of notification."""

    kind: str = Field(description="Name, for URLs and filters.", examples=["key_expiring"])
    title: str = Field(description="Title for people.", examples=["API key expires soon"])
    description: str = Field(description="When it is sent.", examples=["7 days and 1 day before a key in use expires."])
    on: bool = Field(description="Whether it's emailed.", examples=[True])


class MailOut(BaseModel):
    """How ARI sends email."""

    on: bool = Field(description="Whether email is set up.", examples=[True])
    sender: Literal["resend", "smtp"] | None = Field(description="Mail service, or `null` if off.")
    from_: str | None = Field(alias="from", description="From address.", examples=["ARI <ari@example.net>"])
    recipient: str | None = Field(description="Recipient: the owner's address.", examples=["owner@example.com"])
    links: bool = Field(description="Whether emails contain links; requires `ARI_PUBLIC_URL`.", examples=[True])


class NotificationsOut(BaseModel):
    """All notifications, and how ARI sends email."""

    mail: MailOut = Field(description="How ARI sends email.")
    items: list[NotificationOut] = Field(description="All notifications, in the order of the settings page.")


class NoticeOut(BaseModel):
    """One notification and its delivery status."""

    id: str = Field(description="ID; also the idempotency key of its email.", examples=[_NOTICE_ID])
    kind: str = Field(description="Name of the notification, or `digest`.", examples=["key_expiring"])
    event_id: str = Field(description="ID of the audit event it reports.", examples=["evt_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    time: str = Field(description="When the event happened.", json_schema_extra=_TIME)
    state: Literal["waiting", "sending", "sent", "failed", "off", "unsent", "digest"] = Field(
        description=f"{_STATES}.", examples=["sent"]
    )
    subject: str = Field(
        description="Subject of the email.", examples=["The API key “Automation Script” expires in 7 days"]
    )
    recipient: str | None = Field(description="Recipient.", examples=["owner@example.com"])
    attempts: int = Field(description="Number of attempts.", examples=[1])
    next_try_at: Nullable = Field(description="Next attempt, if waiting.", examples=[None])
    sent_at: Nullable = Field(description="When the mail service accepted it.", examples=["2026-11-25T18:23:31.482Z"])
    sender: str | None = Field(description="Mail service: `resend` or `smtp`.", examples=["resend"])
    sender_id: str | None = Field(
        description="ID at the mail service: Resend's ID or the Message-ID.", examples=[_MAIL_ID]
    )
    error: str | None = Field(
        description="Why the last attempt failed, or why there was none.", examples=[EMAIL_IS_OFF]
    )
    digest_id: str | None = Field(
        description="ID of the digest that contains this notification.", examples=[_NOTICE_ID]
    )


class NoticesOut(BaseModel):
    """A page of the delivery history, newest first."""

    items: list[NoticeOut] = Field(description="Notifications on this page.")
    next_cursor: NextCursor


class TestedOut(BaseModel):
    """Result of a test email."""

    sent: bool = Field(description="Whether the mail service accepted it.", examples=[True])
    message: str = Field(
        description="Result for people, with the reason if it failed.",
        examples=["Test email sent to owner@example.com. Check your inbox in a minute."],
    )
    seconds: float = Field(description="How long the mail service took, in seconds.", examples=[0.42])
