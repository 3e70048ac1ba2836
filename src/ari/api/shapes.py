"""The JSON shapes of the API: what may be sent (unknown fields are refused) and what is answered."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.base.clock import from_rfc3339
from ari.base.cursor import decode_cursor
from ari.base.errors import Invalid, Problem
from ari.keys.expiry import EXPIRY_CHOICES
from ari.keys.names import NAME_LENGTH, REASON_LENGTH
from ari.keys.reasons import ACCEPTED, REASONS
from ari.keys.scopes import SCOPES
from ari.usage.search import METHODS, TEXT_LENGTH

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

_TIME: dict[str, JsonValue] = {"format": "date-time", "examples": ["2027-01-31T12:00:00.000Z"]}
Time = Annotated[StrictStr, Field(max_length=40, json_schema_extra=_TIME)]
Scopes = Annotated[
    list[Annotated[StrictStr, Field(max_length=64)]],
    Field(
        min_length=1,
        max_length=20,
        description=f"Any of {', '.join(SCOPES)}, a resource with `:*`, or `*` alone.",
        examples=[["api:read"]],
    ),
]
Name = Annotated[
    StrictStr,
    Field(
        max_length=4 * NAME_LENGTH, description="What uses the key: 1–100 characters.", examples=["Automation Script"]
    ),
]
Nullable = Annotated[str | None, Field(json_schema_extra={"format": "date-time"})]


class Sent(BaseModel):
    """Something a caller sends."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewKeyIn(Sent):
    """A key to create. Give `expires` or `expires_at`; neither means never."""

    name: Name
    expires: StrictStr | None = Field(
        None, description="How long the key lives.", json_schema_extra={"enum": [*EXPIRY_CHOICES, None]}
    )
    expires_at: Time | None = Field(None, description="The exact instant of death (RFC 3339).")
    scopes: Scopes | None = Field(None, description="What the key may do; default: `api:read`.")


class KeyChangeIn(Sent):
    """What shall differ; fields left out stay as they are."""

    name: Name | None = None
    disabled: StrictBool | None = None
    scopes: Scopes | None = None
    expires_at: Time | None = Field(None, description="`null` = never.")


class RevokeIn(Sent):
    """Why, for the audit trail."""

    reason: Annotated[StrictStr, Field(max_length=4 * REASON_LENGTH, examples=["Committed to git"])] | None = None
    with_made: StrictBool = Field(False, description="Also revoke the living keys that this key made.")


class PageIn(Sent):
    """Paging, newest first."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before.")

    @property
    def before_id(self) -> str | None:
        """The id that the page starts after."""
        return None if self.cursor is None else decode_cursor(self.cursor)


class KeysIn(PageIn):
    status: Literal["all", "active", "inactive"] = Field(
        "all", description="`inactive` = revoked or expired; `active` = the others, disabled ones among them."
    )


class UsageSearchIn(Sent):
    """Narrows the usage log."""

    code: str | None = Field(
        None, description="Only rows with this code.", json_schema_extra={"enum": [ACCEPTED, *REASONS, None]}
    )
    since: str | None = Field(None, max_length=40, description="Only rows at or after this time (RFC 3339).")
    until: str | None = Field(None, max_length=40, description="Only rows before this time (RFC 3339).")
    method: str | None = Field(
        None, description="Only rows with this method.", json_schema_extra={"enum": [*METHODS, None]}
    )
    status: str | None = Field(
        None, description="Only rows with this HTTP status: `404`, a class such as `4xx`, or `none` (no answer yet)."
    )
    q: str | None = Field(
        None, max_length=4 * TEXT_LENGTH, description="Only rows with this text in path, client address or user agent."
    )


class UsageIn(PageIn, UsageSearchIn):
    """With `method`, `status` or `q` a page looks at 10,000 rows at most: it may hold fewer than `limit` rows, even
    none, and still have a `next_cursor` to go on with."""


class AllUsageIn(UsageIn):
    key_id: str | None = Field(None, max_length=64, description="Only rows of this key.")


class EventsIn(PageIn):
    subject: str | None = Field(None, max_length=64, description="Only events of this thing, such as a key's id.")


class KeyOut(BaseModel):
    """An API key; its secret is not in it."""

    id: str = Field(examples=["key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    name: str
    hint: str = Field(description="The first and last characters.", examples=["ari_k_7Qm2…b4Zk"])
    scopes: list[str]
    status: Literal["active", "expired", "revoked", "disabled"]
    created_at: str = Field(json_schema_extra=_TIME)
    created_by: str
    expires_at: Nullable
    revoked_at: Nullable
    disabled: bool
    last_used_at: Nullable
    request_count: int = Field(description="Accepted requests.")
    refused_count: int = Field(description="Refused requests.")


class CreatedOut(BaseModel):
    """The new key and, this once, its secret."""

    key: KeyOut
    secret: str = Field(description="The token to send as `x-api-key`. It is never shown again.")


class KeysOut(BaseModel):
    items: list[KeyOut]
    next_cursor: str | None


class AccountOut(BaseModel):
    id: str
    email: str


class MeKeyOut(BaseModel):
    type: Literal["api_key"]
    key: KeyOut


class MeAccountOut(BaseModel):
    type: Literal["account"]
    account: AccountOut


class UsageOut(BaseModel):
    """One logged request, or `count` refusals of a flood."""

    id: str
    time: str = Field(json_schema_extra=_TIME)
    request_id: str
    key_id: str
    key_hint: str
    code: str = Field(description="`ok`, or why the request was refused.")
    method: str
    route: str
    path: str
    status: int | None
    client_address: str | None
    user_agent: str | None
    duration_ms: float | None = Field(description="Until the response began.")
    bytes: int | None
    count: int
    source: Literal["request", "verify"] = Field(
        description="`request`: the key was presented here; `verify`: a service asked about it."
    )


class UsagePageOut(BaseModel):
    items: list[UsageOut]
    next_cursor: str | None


class EventOut(BaseModel):
    id: str
    time: str = Field(json_schema_extra=_TIME)
    name: str
    actor: str
    subject: str | None
    door: str
    client_address: str | None
    user_agent: str | None
    request_id: str | None
    detail: dict[str, Any]


class EventsOut(BaseModel):
    items: list[EventOut]
    next_cursor: str | None


class HealthOut(BaseModel):
    status: Literal["ok"]


class ReadyOut(BaseModel):
    status: Literal["ok"]
    low_disk: bool = Field(description="The disk has less left than `ARI_MIN_FREE_DISK`; refusals are only counted.")


class FieldProblem(BaseModel):
    location: str
    message: str


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


def time_of(field: str, text: str | None) -> int | None:
    """The instant of an RFC 3339 text. Raises ``Invalid`` naming the field."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise Invalid(Problem(field, "Give a time such as 2027-01-31T12:00:00Z.")) from None
