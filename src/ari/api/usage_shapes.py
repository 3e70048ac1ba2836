"""The JSON shapes of numbers and exports of the usage log."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue, RootModel

from ari.api.log_shapes import UsageOut, UsageSearchIn
from ari.api.shapes import OneLine, Sent, time_of
from ari.usage.model import UsageFilter
from ari.usage.reports.ai_summary import TOP as MOST_NAMED
from ari.usage.reports.export import COLUMNS
from ari.usage.reports.search import StatusRange, UsageSearch, code_of, method_of, text_of
from ari.usage.reports.summary import TOP

_KEY_ID = "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_SINCE: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-22T00:00:00.000Z"]}
_UNTIL: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-24T00:00:00.000Z"]}
_EXAMPLE_ROW = (
    "req_01KB5Q2W8Z6N4T0V9YRJXH3M7C,2026-11-23T14:02:11.402Z,ci-481,key_01KB4Z0E1G7S3C5M9XWTQ2D8FA,ari_k_7Qm2…b4Zk,"
    "ok,GET,/api/me,/api/me,200,203.0.113.9,curl/8.5.0,1.2,318,1,request,,,,,"
)
CSV_EXAMPLE = f"{','.join(COLUMNS)}\r\n{_EXAMPLE_ROW}\r\n"


class ExportIn(UsageSearchIn):
    """What to export, and as what."""

    format: Literal["csv", "json"] = Field(
        "csv", description="`csv` begins with the names of the columns; `json` is an array with one row a line."
    )
    bom: bool = Field(
        True,
        description="Whether a CSV file begins with a byte order mark, which makes spreadsheets read it as UTF-8. In "
        "Python read it as `utf-8-sig`, or ask for `false`.",
    )


class AllExportIn(ExportIn):
    key_id: OneLine | None = Field(None, description="Only rows of this key.", examples=[_KEY_ID])


class UsageFileOut(RootModel[list[UsageOut]]):
    """All rows that match, newest first, as an attachment that is sent while it is read. CSV has a column for
    each field."""


class SummaryIn(Sent):
    """A span of time, at most 400 days; default: the last seven days."""

    since: str | None = Field(
        None,
        max_length=40,
        description="From this time on (RFC 3339), at most 400 days before `until`; default: seven days before it.",
        json_schema_extra=_SINCE,
    )
    until: str | None = Field(
        None, max_length=40, description="Before this time (RFC 3339); default: now.", json_schema_extra=_UNTIL
    )
    by: Literal["hour", "day", "week"] | None = Field(
        None,
        description="How long the parts are. Without it, or where it does not fit the span, a unit that fits is taken; "
        "the answer says which.",
        examples=["day"],
    )
    time_zone: str | None = Field(
        None,
        max_length=64,
        description="Where days and weeks begin (IANA name); default: UTC.",
        examples=["Europe/Berlin"],
    )


class PartOut(BaseModel):
    """The requests from `since` to the next part."""

    since: str = Field(description="When the part begins.", json_schema_extra=_SINCE)
    request_count: int = Field(description="Accepted requests.", examples=[586])
    refused_count: int = Field(description="Refused requests.", examples=[0])


class CodeOut(BaseModel):
    """How many requests ended with a code."""

    code: str = Field(description="`ok`, or why requests were refused.", examples=["ok"])
    count: int = Field(description="Requests with this code.", examples=[1204])


class RouteOut(BaseModel):
    """The requests to one operation."""

    route: str = Field(
        description="The operation's address, with names for its parts; `(none)` where there was no such address, `*` "
        "for the counted part of a flood.",
        examples=["/api/keys/{key_id}"],
    )
    request_count: int = Field(description="Accepted requests.", examples=[1004])
    refused_count: int = Field(description="Refused requests.", examples=[3])


class CountsOut(BaseModel):
    """Requests with known keys; `since` and `until` are whole hours."""

    since: str = Field(description="From this whole hour on.", json_schema_extra=_SINCE)
    until: str = Field(description="Before this whole hour.", json_schema_extra=_UNTIL)
    by: Literal["hour", "day", "week"] = Field(description="How long the parts are.", examples=["day"])
    time_zone: str = Field(description="Where days and weeks begin.", examples=["UTC"])
    request_count: int = Field(description="Accepted requests.", examples=[1204])
    refused_count: int = Field(description="Refused requests.", examples=[3])
    codes: list[CodeOut] = Field(
        description="The requests by code, the most frequent first.",
        examples=[[{"code": "ok", "count": 1204}, {"code": "insufficient_scope", "count": 3}]],
    )
    parts: list[PartOut] = Field(
        description="The requests by time, oldest first; a part without any is there too.",
        examples=[
            [
                {"since": "2026-11-22T00:00:00.000Z", "request_count": 586, "refused_count": 0},
                {"since": "2026-11-23T00:00:00.000Z", "request_count": 618, "refused_count": 3},
            ]
        ],
    )


class KeySummaryOut(CountsOut):
    """The numbers of one key, between two whole hours."""

    routes: list[RouteOut] = Field(
        description="The requests by operation, the most used first.",
        examples=[
            [
                {"route": "/api/keys/{key_id}", "request_count": 1004, "refused_count": 3},
                {"route": "/api/me", "request_count": 200, "refused_count": 0},
            ]
        ],
    )


class TopKeyOut(BaseModel):
    """A key that was used; deleted ones keep their name here."""

    key_id: str = Field(description="The key's id.", examples=[_KEY_ID])
    name: str | None = Field(
        description="What uses the key; `null` if there was never such a key.", examples=["Automation Script"]
    )
    request_count: int = Field(description="Accepted requests.", examples=[1101])
    refused_count: int = Field(description="Refused requests.", examples=[0])


class ReasonOut(BaseModel):
    """How many attempts were refused for a reason."""

    reason: str = Field(description="Why: a code of errors.", examples=["unknown"])
    count: int = Field(description="Attempts refused for it.", examples=[38])


class AttemptAddressOut(BaseModel):
    """Attempts from one address."""

    address: str = Field(
        description="From where: an address, or the id of who asked `/api/verify`; `other` stands for all that are not "
        "told apart.",
        examples=["203.0.113.9"],
    )
    count: int = Field(description="Attempts from there.", examples=[40])
    last_at: str = Field(
        description="The last of them.",
        json_schema_extra={"format": "date-time", "examples": ["2026-11-23T14:02:11.402Z"]},
    )


class AttemptsOut(BaseModel):
    """Requests without a key of this instance."""

    count: int = Field(description="All of them.", examples=[41])
    reasons: list[ReasonOut] = Field(
        description="The attempts by reason, the most frequent first.",
        examples=[[{"reason": "unknown", "count": 38}, {"reason": "malformed", "count": 3}]],
    )
    top_addresses: list[AttemptAddressOut] = Field(
        description=f"The {TOP} addresses with the most attempts.",
        examples=[
            [
                {"address": "203.0.113.9", "count": 40, "last_at": "2026-11-23T14:02:11.402Z"},
                {"address": "other", "count": 1, "last_at": "2026-11-22T09:30:00.000Z"},
            ]
        ],
    )


class AiSumsOut(BaseModel):
    """What was used together; tokens are those of the `told_count` requests whose answers told them."""

    request_count: int = Field(description="Requests to providers.", examples=[120])
    failed_count: int = Field(description="Those of them that got no good answer.", examples=[2])
    told_count: int = Field(description="Those of them whose tokens are known.", examples=[118])
    input_tokens: int = Field(description="Tokens read, cached ones among them.", examples=[98_400])
    output_tokens: int = Field(description="Tokens made.", examples=[20_110])
    cached_tokens: int = Field(description="Tokens read from a cache.", examples=[41_000])


class AiPartOut(AiSumsOut):
    """What was used from `since` to the next part."""

    since: str = Field(description="When the part begins.", json_schema_extra=_SINCE)


class AiCountOut(AiSumsOut):
    last_used_at: str = Field(
        description="The last request.",
        json_schema_extra={"format": "date-time", "examples": ["2026-11-23T14:02:11.402Z"]},
    )


class AiProviderOut(AiCountOut):
    """What was used at one provider."""

    provider: str = Field(description="The provider.", examples=["openai"])


class AiModelOut(AiProviderOut):
    """What was used of one model."""

    model: str | None = Field(description="The model; `null` where no good answer told it.", examples=["gpt-5.1"])


class AiKeyOut(AiCountOut):
    """What one key used."""

    key_id: str = Field(description="The key.", examples=[_KEY_ID])
    name: str | None = Field(description="Its name.", examples=["Automation Script"])


class AiKeySummaryOut(AiSumsOut):
    """What one key used through the AI gateway between two whole hours."""

    since: str = Field(description="From this whole hour on.", json_schema_extra=_SINCE)
    until: str = Field(description="Before this whole hour.", json_schema_extra=_UNTIL)
    by: Literal["hour", "day", "week"] = Field(description="How long the parts are.", examples=["day"])
    time_zone: str = Field(description="Where days and weeks begin.", examples=["UTC"])
    parts: list[AiPartOut] = Field(description="The parts of the span, those without requests too.")
    providers: list[AiProviderOut] = Field(description="By provider, the most requests first.")
    models: list[AiModelOut] = Field(description=f"By provider and model, {MOST_NAMED} at most.")


class AiSummaryOut(AiKeySummaryOut):
    """What all keys used through the AI gateway between two whole hours."""

    keys: list[AiKeyOut] = Field(description=f"By key, {MOST_NAMED} at most.")


class SummaryOut(CountsOut):
    """The numbers of all keys, and of attempts without one, between two whole hours."""

    key_count: int = Field(description="Keys that were used in this time.", examples=[2])
    top_keys: list[TopKeyOut] = Field(
        description=f"The {TOP} keys used most.",
        examples=[
            [
                {"key_id": _KEY_ID, "name": "Automation Script", "request_count": 1101, "refused_count": 0},
                {
                    "key_id": "key_01KB4Z0E1G7S3C5M9XWTQ2D8FA",
                    "name": "Nightly backup",
                    "request_count": 103,
                    "refused_count": 3,
                },
            ]
        ],
    )
    attempts: AttemptsOut = Field(description="Attempts without a key; no other number holds them.")


def search_of(query: UsageSearchIn, key_id: str | None) -> UsageSearch:
    """What to search for. Raises ``Invalid`` naming the parameter."""
    code = None if query.code is None else code_of(query.code)
    return UsageSearch(
        UsageFilter(key_id, code, time_of("since", query.since), time_of("until", query.until)),
        None if query.method is None else method_of(query.method),
        None if query.status is None else StatusRange.parse(query.status),
        None if query.q is None else text_of(query.q),
    )
