"""The JSON shapes of the rows of the usage log, and of what they are searched by."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from ari.api.shapes import ADDRESS, AGENT, HINT, KEY_ID, REQUEST_ID, TIME, NextCursor, OneLine, PageIn, Sent
from ari.usage.reports.search import CODES, METHODS, TEXT_LENGTH

FROM: dict[str, JsonValue] = {"format": "date-time", "examples": ["2027-01-01T00:00:00Z"]}


class UsageSearchIn(Sent):
    """Narrows the usage log."""

    code: str | None = Field(
        None,
        description="Only rows with this code: `ok`, or why a request was refused.",
        examples=["expired"],
        json_schema_extra={"enum": [*CODES, None]},
    )
    since: str | None = Field(
        None, max_length=40, description="Only rows at or after this time (RFC 3339).", json_schema_extra=FROM
    )
    until: str | None = Field(
        None, max_length=40, description="Only rows before this time (RFC 3339).", json_schema_extra=TIME
    )
    method: str | None = Field(
        None,
        description="Only rows with this HTTP method.",
        examples=["POST"],
        json_schema_extra={"enum": [*METHODS, None]},
    )
    status: str | None = Field(
        None,
        description="Only rows with this HTTP status: `404`, a class such as `4xx`, or `none` (no answer yet).",
        examples=["4xx"],
    )
    q: str | None = Field(
        None,
        max_length=TEXT_LENGTH,
        description="Only rows with this text in path, client address or user agent, in any case; up to "
        f"{TEXT_LENGTH} characters.",
        examples=["curl"],
    )


class UsageIn(PageIn, UsageSearchIn):
    """With `method`, `status` or `q` a page looks at 10,000 rows at most: it may hold fewer than `limit` rows, even
    none, and still have a `next_cursor` to go on with."""


class AllUsageIn(UsageIn):
    key_id: OneLine | None = Field(None, description="Only rows of this key.", examples=[KEY_ID])


class AiUseOut(BaseModel):
    """What a request through the AI gateway used, as far as the provider's answer told; `null` is unknown."""

    provider: str = Field(description="Who was asked.", examples=["openai"])
    model: str | None = Field(description="The model that answered, as the answer calls it.", examples=["gpt-5.1"])
    input_tokens: int | None = Field(description="Tokens read, cached ones among them.", examples=[812])
    output_tokens: int | None = Field(description="Tokens made, those of thinking among them.", examples=[164])
    cached_tokens: int | None = Field(description="Tokens read from a cache.", examples=[512])
    provider_status: int | None = Field(description="What the provider answered; `null`: nothing.", examples=[200])
    first_byte_ms: float | None = Field(description="Until the first byte of the provider's answer.", examples=[412.5])
    whole_ms: float = Field(description="Until its last byte.", examples=[2210.1])
    ended: Literal["complete", "client_gone", "cut", "error", "timed_out", "unreachable"] = Field(
        description="`client_gone`: the caller hung up; `cut`: the provider broke off; `error`: it reported an error "
        "in a response that had begun well; `timed_out`, `unreachable`: no response began.",
        examples=["complete"],
    )


class UsageOut(BaseModel):
    """One logged request, or `count` refusals of a flood."""

    id: str = Field(description="The row's id.", examples=[REQUEST_ID])
    time: str = Field(description="When the request arrived.", json_schema_extra=TIME)
    request_id: str = Field(description="The request's id, the caller's or ours.", examples=[REQUEST_ID])
    key_id: str = Field(description="The key that was presented.", examples=[KEY_ID])
    key_hint: str = Field(description="The first and last characters of its secret.", examples=[HINT])
    code: str = Field(description="`ok`, or why the request was refused.", examples=["ok"])
    method: str = Field(description="The HTTP method.", examples=["GET"])
    route: str = Field(
        description="The operation's address, with names for its parts.", examples=["/api/keys/{key_id}"]
    )
    path: str = Field(description="The path as it was sent, without the query.", examples=[f"/api/keys/{KEY_ID}"])
    status: int | None = Field(description="The status answered; `null` while it is not known.", examples=[200])
    client_address: str | None = Field(description="From where.", examples=[ADDRESS])
    user_agent: str | None = Field(description="What the client calls itself.", examples=[AGENT])
    duration_ms: float | None = Field(description="Until the response began.", examples=[1.8])
    bytes: int | None = Field(description="The size of the answer's body.", examples=[2048])
    count: int = Field(description="How many requests the row stands for.", examples=[1])
    source: Literal["request", "verify"] = Field(
        description="`request`: the key was presented here; `verify`: a service asked about it.", examples=["request"]
    )
    ai: AiUseOut | None = Field(description="What it used at a provider, if it went through the AI gateway.")


class UsagePageOut(BaseModel):
    """A page of the usage log, newest first. With `method`, `status` or `q` it may hold fewer than `limit` rows, even
    none, and still have a `next_cursor` to go on with."""

    items: list[UsageOut] = Field(description="The rows of this page.")
    next_cursor: NextCursor
