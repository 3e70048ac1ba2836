"""Requests and responses of the API. The OpenAPI document is generated from their descriptions and examples."""

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.api.limit_shapes import CreditsIn, CreditsOut, LimitIn, LimitOut, RemainingOut
from ari.base.clock import from_rfc3339
from ari.base.cursor import decode_cursor, encode_cursor
from ari.base.errors import Invalid, Problem
from ari.keys.expiry import EXPIRY_CHOICES
from ari.keys.limits.fields import MAX_LIMITS
from ari.keys.names import NAME_LENGTH, REASON_LENGTH
from ari.keys.reasons import REASONS
from ari.keys.scopes import list_scope_names

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

KEY_ID = "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
HINT = "ari_k_7Qm2…b4Zk"
REQUEST_ID = "req_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
ADDRESS = "203.0.113.7"
AGENT = "curl/8.5.0"
TIME: dict[str, JsonValue] = {"format": "date-time", "examples": ["2027-01-31T12:00:00.000Z"]}
_CREATED: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-02T12:00:00.000Z"]}
_CURSOR = encode_cursor(KEY_ID)
Time = Annotated[StrictStr, Field(max_length=40, json_schema_extra=TIME)]
Scopes = Annotated[
    list[Annotated[StrictStr, Field(max_length=64)]],
    Field(
        min_length=1,
        max_length=64,
        description=f"One or more of {list_scope_names()}, or scopes declared with `POST /api/scopes`.",
        examples=[["api:read"]],
    ),
]
Name = Annotated[
    StrictStr,
    Field(
        max_length=NAME_LENGTH,
        description="The script or app that uses the key; 1–100 characters.",
        examples=["Automation Script"],
        json_schema_extra={"minLength": 1},
    ),
]
Limits = Annotated[
    list[LimitIn], Field(max_length=MAX_LIMITS, examples=[[{"name": "default", "limit": 100, "window": "1m"}]])
]
Nullable = Annotated[str | None, Field(json_schema_extra={"format": "date-time"})]
NextCursor = Annotated[
    str | None, Field(description="`cursor` for the next page; `null` on the last page.", examples=[_CURSOR])
]
OneLine = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text that is compared with stored text; PostgreSQL rejects NUL."""
KeyId = Annotated[str, Path(description="ID of an API key.", examples=[KEY_ID])]
"""The ID of a key in the path of an operation."""


def not_null(schema: dict[str, Any]) -> None:
    """Describe a field that can be omitted but is never ``null``."""
    [kind] = [kind for kind in schema.pop("anyOf") if kind.get("type") != "null"]
    schema.update({name: value for name, value in kind.items() if name not in schema})
    schema.pop("default", None)


def without_default(schema: dict[str, Any]) -> None:
    """Describe a field that stays unchanged if omitted."""
    schema.pop("default", None)


class RequestModel(BaseModel):
    """Base of request bodies and query parameters; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewKeyIn(RequestModel):
    """A key to create. Set either `expires` or `expires_at`; omit both for a key that never expires."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Automation Script", "expires": "90d", "scopes": ["api:read"]}]}
    )

    name: Name
    expires: StrictStr | None = Field(
        None,
        description="Lifetime of the key. Pick the shortest that works.",
        examples=["90d"],
        json_schema_extra={"enum": [*EXPIRY_CHOICES, None]},
    )
    expires_at: Time | None = Field(None, description="When the key expires (RFC 3339).")
    scopes: Scopes | None = Field(None, description="Scopes of the key; default: `api:read`.")
    limits: Limits = Field(default_factory=list, description=f"Rate limits, up to {MAX_LIMITS}; default: none.")
    credits: CreditsIn | None = Field(None, description="Credits to use up; default: the key needs none.")


class KeyChangeIn(RequestModel):
    """Fields to change; omitted fields stay the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Nightly backup"}]})

    name: Name | None = Field(None, description="A new name.", json_schema_extra=not_null)
    disabled: StrictBool | None = Field(
        None,
        description="`true` disables the key until it's set to `false`.",
        examples=[True],
        json_schema_extra=not_null,
    )
    scopes: Scopes | None = Field(
        None, description="The key's new scopes (replaces the old list).", json_schema_extra=not_null
    )
    expires_at: Time | None = Field(
        None, description="New expiry (RFC 3339); `null` = never.", json_schema_extra=without_default
    )
    limits: Limits | None = Field(
        None,
        description="The key's rate limits (replaces the old list). One that keeps its name keeps its count.",
        json_schema_extra=not_null,
    )
    credits: CreditsIn | None = Field(
        None, description="New balance or refill; `null` removes the credits.", json_schema_extra=without_default
    )


class RevokeIn(RequestModel):
    """Optional details of a revocation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Committed to git"}]})

    reason: Annotated[StrictStr, Field(max_length=REASON_LENGTH)] | None = Field(
        None,
        description=f"Reason for the audit log; up to {REASON_LENGTH} characters.",
        examples=["Committed to git"],
    )
    with_made: StrictBool = Field(
        False, description="Also revoke active keys that this key created or gave more access."
    )


class PageIn(RequestModel):
    """Paging, newest first."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Maximum number of items.")
    cursor: str | None = Field(
        None, max_length=200, description="`next_cursor` from the previous page.", examples=[_CURSOR]
    )

    @property
    def before_id(self) -> str | None:
        """The ID of the last item of the previous page."""
        return None if self.cursor is None else decode_cursor(self.cursor)


class KeysIn(PageIn):
    status: Literal["all", "active", "inactive"] = Field(
        "all", description="`inactive` = revoked or expired; `active` = all others, including disabled keys."
    )


class KeyOut(BaseModel):
    """An API key, without its secret."""

    id: str = Field(description="Key ID; not a secret.", examples=[KEY_ID])
    name: str = Field(description="The script or app that uses the key.", examples=["Automation Script"])
    hint: str = Field(description="First and last characters of the secret.", examples=[HINT])
    scopes: list[str] = Field(description="Scopes of the key.", examples=[["api:read"]])
    status: Literal["active", "expired", "revoked", "disabled"] = Field(
        description="The first that applies: `revoked`, `expired`, `disabled` or `active`.", examples=["active"]
    )
    created_at: str = Field(description="When the key was created.", json_schema_extra=_CREATED)
    created_by: str = Field(
        description="ID of the account or key that created it, or the command-line user.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    expires_at: Nullable = Field(
        description="When the key expires; `null` = never.", examples=["2027-01-31T12:00:00.000Z"]
    )
    revoked_at: Nullable = Field(description="When the key was revoked; `null` if it wasn't.", examples=[None])
    disabled: bool = Field(description="Whether the key is disabled.", examples=[False])
    limits: list[LimitOut] = Field(description="Rate limits of the key.")
    credits: CreditsOut | None = Field(description="Credits of the key; `null` if it needs none.")
    last_used_at: Nullable = Field(description="Last allowed request.", examples=["2026-11-23T08:15:42.317Z"])
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[1204]
    )
    refused_count: int = Field(description="Refused requests.", examples=[0])


class KeyDetailOut(KeyOut):
    """An API key, with what remains of its limits now."""

    remaining: list[RemainingOut] = Field(description="What remains of the limits of the key and its consumer now.")


class CreatedOut(BaseModel):
    """The new key and its secret (returned only once)."""

    key: KeyOut = Field(description="The new key, without its secret.")
    secret: str = Field(
        description="The secret to send as `x-api-key`. It's never shown again.", examples=["ari_k_" + "0" * 49]
    )


class KeysOut(BaseModel):
    """A page of API keys, newest first."""

    items: list[KeyOut] = Field(description="Keys on this page.")
    next_cursor: NextCursor


class AccountOut(BaseModel):
    """A user account."""

    id: str = Field(description="Account ID.", examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    email: str = Field(description="Email address used to sign in.", examples=["owner@example.org"])


class MeKeyOut(BaseModel):
    """The caller is an API key."""

    type: Literal["api_key"] = Field(description="Type of caller.")
    key: KeyOut = Field(description="Key ID.")


class MeAccountOut(BaseModel):
    """The caller is a signed-in user."""

    type: Literal["account"] = Field(description="Type of caller.")
    account: AccountOut = Field(description="The account.")


class HealthOut(BaseModel):
    """ARI is running."""

    status: Literal["ok"] = Field(description="Always `ok`; otherwise the response is 503.")


class ReadyOut(BaseModel):
    """ARI can verify keys."""

    status: Literal["ok"] = Field(description="Always `ok`; otherwise the response is 503.")
    low_disk: bool = Field(
        description="Whether free disk space is below `ARI_MIN_FREE_DISK`; refused requests are then only counted.",
        examples=[False],
    )


class FieldProblem(BaseModel):
    """The error of one field."""

    location: str = Field(description="Field path, with dots.", examples=["expires_at"])
    message: str = Field(description="How to fix it.", examples=["Use a time such as 2027-01-31T12:00:00Z."])


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(
        description="URL of a page that explains the code.", examples=["http://127.0.0.1:3000/errors/expired"]
    )
    title: str = Field(description="Short name of the error.", examples=["API key expired"])
    status: int = Field(description="HTTP status.", examples=[401])
    detail: str = Field(description="What happened and what to do, for people.", examples=[REASONS["expired"].sentence])
    code: str = Field(description="Stable error code, for programs.", examples=["expired"])
    request_id: str = Field(description="ID of this request in the log.", examples=[REQUEST_ID])
    scope: str | None = Field(None, description="Missing scope, if the code is `insufficient_scope`.", examples=[None])
    errors: list[FieldProblem] | None = Field(
        None, description="Invalid fields, if the code is `invalid`.", examples=[None]
    )


def parse_time(field: str, text: str | None) -> int | None:
    """Parse an RFC 3339 time to milliseconds. Raises ``Invalid`` for the field."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise Invalid(Problem(field, "Use a time such as 2027-01-31T12:00:00Z.")) from None
