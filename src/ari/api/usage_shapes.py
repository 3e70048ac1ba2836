"""The JSON shapes of numbers and exports of the usage log."""

from typing import Literal

from pydantic import BaseModel, Field

from ari.api.shapes import Sent, UsageSearchIn, time_of
from ari.usage.export import COLUMNS
from ari.usage.model import UsageFilter
from ari.usage.search import StatusRange, UsageSearch, method_of, text_of

_EXAMPLE_ROW = (
    "req_01KB5Q2W8Z6N4T0V9YRJXH3M7C,2026-11-23T14:02:11.402Z,ci-481,key_01KB4Z0E1G7S3C5M9XWTQ2D8FA,ari_k_7Qm2…b4Zk,"
    "ok,GET,/api/me,/api/me,200,203.0.113.9,curl/8.5.0,1.2,318,1,request"
)
CSV_EXAMPLE = f"{','.join(COLUMNS)}\r\n{_EXAMPLE_ROW}\r\n"


class ExportIn(UsageSearchIn):
    """What to export, and as what."""

    format: Literal["csv", "json"] = Field("csv", description="`json` is an array with one row a line.")


class AllExportIn(ExportIn):
    key_id: str | None = Field(None, max_length=64, description="Only rows of this key.")


class SummaryIn(Sent):
    """A span of time, at most 400 days; default: the last seven days."""

    since: str | None = Field(None, max_length=40, description="From this time on (RFC 3339).")
    until: str | None = Field(None, max_length=40, description="Before this time (RFC 3339); default: now.")
    by: Literal["hour", "day", "week"] | None = Field(
        None, description="How long the parts are; where it fits the span no better unit is taken."
    )
    time_zone: str | None = Field(
        None,
        max_length=64,
        description="Where days and weeks begin (IANA name); default: UTC.",
        examples=["Europe/Berlin"],
    )


class PartOut(BaseModel):
    """The requests from `since` to the next part."""

    since: str = Field(json_schema_extra={"format": "date-time"})
    request_count: int = Field(description="Accepted requests.")
    refused_count: int


class CodeOut(BaseModel):
    code: str = Field(description="`ok`, or why requests were refused.", examples=["ok"])
    count: int = Field(examples=[1204])


class RouteOut(BaseModel):
    """`route` is the template, `(none)` where there was no such route, `*` for the counted part of a flood."""

    route: str = Field(examples=["/api/keys/{key_id}"])
    request_count: int = Field(description="Accepted requests.")
    refused_count: int


class CountsOut(BaseModel):
    """Requests with known keys; `since` and `until` are whole hours."""

    since: str = Field(json_schema_extra={"format": "date-time"})
    until: str = Field(json_schema_extra={"format": "date-time"})
    by: Literal["hour", "day", "week"]
    time_zone: str = Field(examples=["UTC"])
    request_count: int = Field(description="Accepted requests.")
    refused_count: int
    codes: list[CodeOut]
    parts: list[PartOut]


class KeySummaryOut(CountsOut):
    routes: list[RouteOut]


class TopKeyOut(BaseModel):
    """A key that was used; deleted ones keep their name here."""

    key_id: str = Field(examples=["key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    name: str | None = Field(examples=["Automation Script"])
    request_count: int = Field(description="Accepted requests.")
    refused_count: int


class ReasonOut(BaseModel):
    reason: str = Field(examples=["unknown"])
    count: int


class AttemptAddressOut(BaseModel):
    """Attempts from an address; `other` are those that are not told apart."""

    address: str = Field(examples=["203.0.113.9"])
    count: int
    last_at: str = Field(json_schema_extra={"format": "date-time"})


class AttemptsOut(BaseModel):
    """Requests without a key of this instance."""

    count: int
    reasons: list[ReasonOut]
    top_addresses: list[AttemptAddressOut]


class SummaryOut(CountsOut):
    key_count: int = Field(description="Keys that were used in this time.")
    top_keys: list[TopKeyOut]
    attempts: AttemptsOut


def search_of(query: UsageSearchIn, key_id: str | None) -> UsageSearch:
    """What to search for. Raises ``Invalid`` naming the parameter."""
    return UsageSearch(
        UsageFilter(key_id, query.code, time_of("since", query.since), time_of("until", query.until)),
        None if query.method is None else method_of(query.method),
        None if query.status is None else StatusRange.parse(query.status),
        None if query.q is None else text_of(query.q),
    )
