"""Rows of the usage log, and the parameters of a search."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from ari.api.key_list_shapes import TagName
from ari.api.ownership_shapes import ConsumerReference
from ari.api.shapes import (
    ADDRESS,
    AGENT,
    HINT,
    KEY_ID,
    REQUEST_ID,
    TIME,
    CompleteUntil,
    NextCursor,
    OneLine,
    PageIn,
    RequestModel,
)
from ari.usage.model import Source
from ari.usage.search import CODES, METHODS, SOURCES, TEXT_LENGTH

FROM: dict[str, JsonValue] = {"format": "date-time", "examples": ["2027-01-01T00:00:00Z"]}


class UsageSearchIn(RequestModel):
    """Filters for the usage log."""

    code: str | None = Field(
        None,
        description="Only rows with this verdict on the key: `ok`, or the reason for a refusal.",
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
        description="Only rows with this HTTP status: `404`, a class such as `4xx`, or `none` (no response yet).",
        examples=["4xx"],
    )
    address: str | None = Field(
        None,
        max_length=64,
        description="Only rows with this client IP address (or network, if ARI logs networks).",
        examples=[ADDRESS],
    )
    source: str | None = Field(
        None,
        description="Only rows with this source: `request`, `verify` where a service asked ARI about the key, `proxy` "
        "where a proxy did, or `guard` where a service verified it itself.",
        examples=["verify"],
        json_schema_extra={"enum": [*SOURCES, None]},
    )
    q: str | None = Field(
        None,
        max_length=TEXT_LENGTH,
        description="Only rows with this text in path, route, client IP address or user agent; case-insensitive, up to "
        f"{TEXT_LENGTH} characters.",
        examples=["curl"],
    )


class UsageIn(PageIn, UsageSearchIn):
    """With any filter but `code`, `since`, `until` and `key_id`, a page scans at most 10,000 rows, so it may have fewer
    than `limit` rows, or none, and still have a `next_cursor`."""


class GroupIn(RequestModel):
    """Keys of a consumer or with a tag."""

    consumer: ConsumerReference | None = Field(
        None,
        description="Only the keys that this consumer has now: its ID or your external ID. Needs `keys:read` too.",
    )
    tag: TagName | None = Field(None, description="Only the keys that have this tag now. Needs `keys:read` too.")


class AllUsageIn(GroupIn, UsageIn):
    key_id: OneLine | None = Field(None, description="Only rows of this key.", examples=[KEY_ID])


class AttemptOut(BaseModel):
    """One call of a provider."""

    provider: str = Field(description="Provider.", examples=["openai"])
    key: str | None = Field(description="ID of the stored provider key.", examples=["pky_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    status: int | None = Field(description="Provider's HTTP status; `null` if it didn't respond.", examples=[429])
    ms: float = Field(description="Time to the response or failure, ms.", examples=[231.4])
    skipped: str | None = Field(
        default=None,
        description="Why a model of an alias wasn't called: `budget_exhausted`, `cost_unknown` or `no_key`; `null` "
        "for a call.",
        examples=["budget_exhausted"],
    )


class AiUseOut(BaseModel):
    """AI usage of a gateway request. Values that the provider doesn't report are `null`."""

    provider: str = Field(description="Provider.", examples=["openai"])
    model: str | None = Field(description="Model named in the response.", examples=["gpt-5.1"])
    alias: str | None = Field(
        description="Alias that the request used for the model; `null` without one.", examples=["fast"]
    )
    cost_usd: str | None = Field(
        description="Cost in US dollars, rounded up to a millionth; `null` if unknown.", examples=["0.002655"]
    )
    price_version: str | None = Field(
        description="Version of the bundled prices, and after `+` how often your own prices were changed.",
        examples=["0.2.3+7"],
    )
    is_estimated: bool = Field(
        description="Whether the tokens or the cost are an estimate, because the provider reported none.",
        examples=[False],
    )
    input_tokens: int | None = Field(description="Input tokens, including cached ones.", examples=[812])
    output_tokens: int | None = Field(description="Output tokens, including reasoning.", examples=[164])
    cached_tokens: int | None = Field(description="Input tokens read from a cache.", examples=[512])
    cache_written_tokens: int | None = Field(description="Input tokens written to a cache.", examples=[0])
    audio_tokens: int | None = Field(description="Audio tokens, of input and output.", examples=[0])
    reasoning_tokens: int | None = Field(description="Output tokens spent on reasoning.", examples=[64])
    provider_status: int | None = Field(
        description="Provider's HTTP status; `null` if it didn't respond.", examples=[200]
    )
    first_byte_ms: float | None = Field(description="Time to the provider's first byte, ms.", examples=[412.5])
    whole_ms: float = Field(description="Total duration, ms.", examples=[2210.1])
    ended: Literal["complete", "client_gone", "cut", "error", "timed_out", "unreachable", "refused"] = Field(
        description="How the response ended. `client_gone`: the caller disconnected; `cut`: the provider closed the "
        "connection early; `error`: it reported an error after it had started responding; `timed_out`, "
        "`unreachable`: it never responded; `refused`: ARI refused the request, so that only its model is known.",
        examples=["complete"],
    )
    attempts: list[AttemptOut] = Field(
        description="The calls of providers for this request, in their order, if it took several or if the provider "
        "has several keys."
    )


class UsageOut(BaseModel):
    """One logged request, or `count` refusals grouped into one row."""

    id: str = Field(description="Row ID.", examples=[REQUEST_ID])
    time: str = Field(description="When the request arrived.", json_schema_extra=TIME)
    request_id: str = Field(description="Request ID, from the caller or generated by ARI.", examples=[REQUEST_ID])
    key_id: str = Field(description="ID of the key that was used.", examples=[KEY_ID])
    key_hint: str = Field(description="First and last characters of the secret.", examples=[HINT])
    code: str = Field(description="The verdict on the key: `ok`, or the reason for the refusal.", examples=["ok"])
    method: str = Field(description="HTTP method.", examples=["GET"])
    route: str = Field(description="Path of the operation, with parameter names.", examples=["/api/keys/{key_id}"])
    path: str = Field(description="Requested path, without the query.", examples=[f"/api/keys/{KEY_ID}"])
    status: int | None = Field(description="HTTP status; `null` until it's known.", examples=[200])
    client_address: str | None = Field(description="Client IP address.", examples=[ADDRESS])
    user_agent: str | None = Field(description="User agent.", examples=[AGENT])
    duration_ms: float | None = Field(description="Time to first byte, ms.", examples=[1.8])
    bytes: int | None = Field(description="Size of the response body.", examples=[2048])
    count: int = Field(description="Number of requests this row represents.", examples=[1])
    source: Source = Field(
        description="`request`: a request to ARI; `verify`: another service asked ARI about the key; `proxy`: a proxy "
        "did, by forward-auth; `guard`: a service verified it itself, with `ari.guard`.",
        examples=["request"],
    )
    secret_number: int = Field(description="Number of the key's secret that was used.", examples=[1])
    consumed: dict[str, int] = Field(
        description="Units consumed, by limit; `credits` and names with `consumer:` included.",
        examples=[{"default": 1}],
    )
    ai: AiUseOut | None = Field(description="AI usage, for requests through the AI gateway.")


class UsagePageOut(BaseModel):
    """A page of the usage log, newest first. A filtered page may have fewer than `limit` rows, or none, and still have
    a `next_cursor`."""

    items: list[UsageOut] = Field(description="Rows on this page.")
    next_cursor: NextCursor
    complete_until: CompleteUntil
