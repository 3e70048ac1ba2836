"""Requests and responses of the API. The OpenAPI document is generated from their descriptions and examples.

A bound in ``json_schema_extra`` is checked by the command, which reports it together with the problems of all fields.
"""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.base.clock import from_rfc3339
from ari.base.cursor import decode_cursor, encode_cursor
from ari.base.errors import Invalid, Problem
from ari.keys.names import NAME_LENGTH
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
SECRET: dict[str, JsonValue] = {"format": "password"}
"""A value that clients and documents don't show; ``ari.client`` leaves it out of ``repr``."""
_CREATED: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-02T12:00:00.000Z"]}
_CURSOR = encode_cursor(KEY_ID)
Time = Annotated[StrictStr, Field(max_length=40, json_schema_extra=TIME)]
Scopes = Annotated[
    list[Annotated[StrictStr, Field(max_length=64)]],
    Field(
        max_length=64,
        json_schema_extra={"minItems": 1},
        description=f"One or more of {list_scope_names()}, or scopes declared with `POST /api/scopes`.",
        examples=[["api:read"]],
    ),
]
Name = Annotated[
    StrictStr,
    Field(
        description="The script or app that uses the key; 1–100 characters.",
        examples=["Automation Script"],
        json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH},
    ),
]
Nullable = Annotated[str | None, Field(json_schema_extra={"format": "date-time"})]
NextCursor = Annotated[
    str | None, Field(description="`cursor` for the next page; `null` on the last page.", examples=[_CURSOR])
]
OneLine = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text that is compared with stored text; PostgreSQL rejects NUL."""
KeyId = Annotated[str, Path(description="ID of an API key.", examples=[KEY_ID])]
"""The ID of a key in the path of an operation."""

CompleteUntil = Annotated[
    str | None,
    Field(
        description="`null`: every logged request is included. With many requests not counted yet: only those before "
        "this time surely are.",
        json_schema_extra={"format": "date-time", "examples": [None]},
    ),
]


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


class AccountOut(BaseModel):
    """A user account."""

    id: str = Field(description="Account ID.", examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    email: str = Field(description="Email address used to sign in.", examples=["owner@example.org"])


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
    backlog_count: int = Field(
        description="About how many logged requests aren't counted yet, also by other processes.", examples=[12]
    )
    backlog_seconds: int = Field(description="How long ago the oldest of them began, in seconds.", examples=[3])


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


def find_nulls(body: BaseModel, nullable: Collection[str] = ()) -> list[Problem]:
    """A problem for each field of a change that is ``null`` but can't be."""
    given = (field for field in type(body).model_fields if field in body.model_fields_set and field not in nullable)
    return [Problem(field, "Omit the field or set a value.") for field in given if getattr(body, field) is None]


def parse_time(field: str, text: str | None) -> int | None:
    """Parse an RFC 3339 time to milliseconds. Raises ``Invalid`` for the field."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise Invalid(Problem(field, "Use a time such as 2027-01-31T12:00:00Z.")) from None
