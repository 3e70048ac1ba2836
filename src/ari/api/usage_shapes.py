"""Statistics and exports of the usage log."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue, RootModel

from ari.api.log_shapes import GroupIn, UsageOut, UsageSearchIn
from ari.api.shapes import CompleteUntil, OneLine, RequestModel, parse_time
from ari.keys.groups import GroupBy
from ari.usage.reports.export import COLUMNS
from ari.usage.reports.summary import MAX_GROUPS, TOP
from ari.usage.search import FILTERS, UsageSearch, parse_search

KEY_ID = "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
SINCE: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-22T00:00:00.000Z"]}
UNTIL: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-24T00:00:00.000Z"]}
_EXAMPLE_ROW = (
    "req_01KB5Q2W8Z6N4T0V9YRJXH3M7C,2026-11-23T14:02:11.402Z,ci-481,key_01KB4Z0E1G7S3C5M9XWTQ2D8FA,ari_k_7Qm2…b4Zk,"
    "ok,GET,/api/me,/api/me,200,203.0.113.9,curl/8.5.0,1.2,318,1,request,1,,,,,,,,,,,,,,Laptop,,"
)
CSV_EXAMPLE = f"{','.join(COLUMNS)}\r\n{_EXAMPLE_ROW}\r\n"


class ExportIn(UsageSearchIn):
    """What to export, and in which format."""

    format: Literal["csv", "json"] = Field(
        "csv", description="`csv` has a header row; `json` is an array with one row per line."
    )
    bom: bool = Field(
        True,
        description="Whether CSV starts with a byte order mark, so that spreadsheets read it as UTF-8. In Python, read "
        "it as `utf-8-sig` or set this to `false`.",
    )


class AllExportIn(GroupIn, ExportIn):
    key_id: OneLine | None = Field(None, description="Only rows of this key.", examples=[KEY_ID])


class UsageFileOut(RootModel[list[UsageOut]]):
    """All matching rows, newest first, streamed as an attachment. CSV has a column for each field."""


class SummaryIn(RequestModel):
    """A time range of at most 400 days; default: the last seven days."""

    since: str | None = Field(
        None,
        max_length=40,
        description="Start time (RFC 3339), at most 400 days before `until`; default: seven days before it.",
        json_schema_extra=SINCE,
    )
    until: str | None = Field(
        None, max_length=40, description="End time, exclusive (RFC 3339); default: now.", json_schema_extra=UNTIL
    )
    by: Literal["hour", "day", "week"] | None = Field(
        None,
        description="Length of the parts. If omitted, or if it doesn't fit the range, a suitable unit is chosen; the "
        "response has it in `by`.",
        examples=["day"],
    )
    time_zone: str | None = Field(
        None,
        max_length=64,
        description="Time zone of days and weeks (IANA name); default: UTC.",
        examples=["Europe/Berlin"],
    )


class AllSummaryIn(GroupIn, SummaryIn):
    """A time range of at most 400 days; default: the last seven days."""

    group_by: GroupBy | None = Field(
        None, description="Also return the totals by consumer or by tag. Needs `keys:read` too.", examples=["consumer"]
    )


class PartOut(BaseModel):
    """Requests from `since` to the next part."""

    since: str = Field(description="Start of the part.", json_schema_extra=SINCE)
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[586]
    )
    refused_count: int = Field(description="Refused requests.", examples=[0])


class CodeOut(BaseModel):
    """Number of requests with a code."""

    code: str = Field(description="`ok`, or the reason for the refusals.", examples=["ok"])
    count: int = Field(description="Requests with this code.", examples=[1204])


class RouteOut(BaseModel):
    """Requests to one operation."""

    route: str = Field(
        description="Path of the operation, with parameter names; `(none)` for unknown paths, `*` for grouped refusals "
        "of a flood.",
        examples=["/api/keys/{key_id}"],
    )
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[1004]
    )
    refused_count: int = Field(description="Refused requests.", examples=[3])


class CountsOut(BaseModel):
    """Requests with valid or once valid keys; `since` and `until` are whole hours."""

    since: str = Field(description="Start, a whole hour.", json_schema_extra=SINCE)
    until: str = Field(description="End (exclusive), a whole hour.", json_schema_extra=UNTIL)
    by: Literal["hour", "day", "week"] = Field(description="Length of the parts.", examples=["day"])
    time_zone: str = Field(description="Time zone of days and weeks.", examples=["UTC"])
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[1204]
    )
    refused_count: int = Field(description="Refused requests.", examples=[3])
    complete_until: CompleteUntil
    codes: list[CodeOut] = Field(
        description="Requests by code, most frequent first.",
        examples=[[{"code": "ok", "count": 1204}, {"code": "insufficient_scope", "count": 3}]],
    )
    parts: list[PartOut] = Field(
        description="Requests by time, oldest first, including parts without requests.",
        examples=[
            [
                {"since": "2026-11-22T00:00:00.000Z", "request_count": 586, "refused_count": 0},
                {"since": "2026-11-23T00:00:00.000Z", "request_count": 618, "refused_count": 3},
            ]
        ],
    )


class KeySummaryOut(CountsOut):
    """Usage statistics of one key, between two whole hours."""

    routes: list[RouteOut] = Field(
        description="Requests by operation, most used first.",
        examples=[
            [
                {"route": "/api/keys/{key_id}", "request_count": 1004, "refused_count": 3},
                {"route": "/api/me", "request_count": 200, "refused_count": 0},
            ]
        ],
    )


class TopKeyOut(BaseModel):
    """A key that was used; deleted keys keep their name here."""

    key_id: str = Field(description="Key ID.", examples=[KEY_ID])
    name: str | None = Field(
        description="Name of the key; `null` if there was never such a key.", examples=["Automation Script"]
    )
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[1101]
    )
    refused_count: int = Field(description="Refused requests.", examples=[0])


class ReasonOut(BaseModel):
    """Number of attempts refused for a reason."""

    reason: str = Field(description="Error code.", examples=["unknown"])
    count: int = Field(description="Attempts refused for this reason.", examples=[38])


class AttemptAddressOut(BaseModel):
    """Attempts from one IP address, or that one key asked `/api/verify` about."""

    address: str | None = Field(
        description="IP address; `other` combines all that aren't counted separately. `null` if `key_id` is set.",
        examples=["203.0.113.9"],
    )
    key_id: str | None = Field(
        None,
        description="The key that asked `/api/verify` about texts that aren't valid keys; `null` for requests to ARI "
        "itself.",
        examples=[KEY_ID],
    )
    count: int = Field(description="Attempts from this source.", examples=[40])
    last_at: str = Field(
        description="Last attempt.",
        json_schema_extra={"format": "date-time", "examples": ["2026-11-23T14:02:11.402Z"]},
    )


class AttemptsOut(BaseModel):
    """Requests without a valid key."""

    count: int = Field(description="Number of attempts.", examples=[41])
    reasons: list[ReasonOut] = Field(
        description="Attempts by reason, most frequent first.",
        examples=[[{"reason": "unknown", "count": 38}, {"reason": "malformed", "count": 3}]],
    )
    top_addresses: list[AttemptAddressOut] = Field(
        description=f"The {TOP} IP addresses and keys with the most attempts.",
        examples=[
            [
                {"address": "203.0.113.9", "count": 40, "last_at": "2026-11-23T14:02:11.402Z"},
                {"address": "other", "count": 1, "last_at": "2026-11-22T09:30:00.000Z"},
            ]
        ],
    )


class GroupOut(BaseModel):
    """Requests of the keys that a consumer or tag has now."""

    group: str = Field(description="Consumer ID, or the tag.", examples=["billing"])
    name: str = Field(description="Name of the consumer, or the tag.", examples=["billing"])
    key_count: int = Field(description="Its keys that were used.", examples=[2])
    request_count: int = Field(
        description="Requests that the keys were allowed to make, whatever their response status.", examples=[1101]
    )
    refused_count: int = Field(description="Refused requests.", examples=[0])


class SummaryOut(CountsOut):
    """Usage statistics of all keys and of attempts without a valid key, between two whole hours."""

    key_count: int = Field(description="Number of keys used in this period.", examples=[2])
    top_keys: list[TopKeyOut] = Field(
        description=f"The {TOP} most used keys.",
        examples=[
            [
                {"key_id": KEY_ID, "name": "Automation Script", "request_count": 1101, "refused_count": 0},
                {
                    "key_id": "key_01KB4Z0E1G7S3C5M9XWTQ2D8FA",
                    "name": "Nightly backup",
                    "request_count": 103,
                    "refused_count": 3,
                },
            ]
        ],
    )
    attempts: AttemptsOut | None = Field(
        description="Attempts without a valid key; not included in the other numbers. `null` with `consumer` or `tag`."
    )
    groups: list[GroupOut] | None = Field(
        description=f"With `group_by`: the {MAX_GROUPS} consumers or tags with the most requests; otherwise `null`. A "
        "key with several tags counts in each.",
        examples=[
            [{"group": "billing", "name": "billing", "key_count": 2, "request_count": 1101, "refused_count": 0}],
        ],
    )


def build_search(query: UsageSearchIn, key_id: str | None) -> UsageSearch:
    """The search. Raises ``Invalid`` for a parameter."""
    given = {name: getattr(query, name) for name in FILTERS}
    return parse_search(given, key_id, parse_time("since", query.since), parse_time("until", query.until))
