"""Lists of API keys: filters, orders and pages."""

from typing import Annotated, Literal

from pydantic import Field

from ari.api.key_shapes import KeysOut
from ari.api.ownership_shapes import ConsumerReference
from ari.api.shapes import CompleteUntil, PageIn
from ari.keys.kinds import KIND_NAME_PATTERN
from ari.keys.listing import Show
from ari.keys.model import Environment
from ari.keys.ownership import TAG_PATTERN
from ari.usage.reports.listing import LONGEST_TEXT

Order = Literal["name", "-name", "created", "-created", "used", "-used", "expires", "-expires", "requests", "-requests"]
TagName = Annotated[str, Field(pattern=TAG_PATTERN, examples=["billing"])]

OfKind = Annotated[str, Field(max_length=40, pattern=KIND_NAME_PATTERN, examples=["acme-live"])]


class KeysIn(PageIn):
    status: Literal["all", "active", "inactive"] = Field(
        "all", description="`inactive` = revoked or expired; `active` = all others, including disabled keys."
    )
    show: Show = Field(
        "all",
        description="A narrower state: `active` (not disabled), `soon` (expires within 7 days), `never-used`, `unused` "
        "(for 30 days), `disabled`, `inactive`, `expired` or `revoked`. Applies together with `status`.",
    )
    text: Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = Field(
        None,
        description="Only keys whose name, `hint` or ID contains this; case-insensitive.",
        examples=["export"],
    )
    consumer: ConsumerReference | None = Field(
        None, description="Only keys of this consumer: its ID or your external ID."
    )
    tag: TagName | None = Field(None, description="Only keys with this tag.")
    environment: Environment | None = Field(None, description="Only keys of this environment.", examples=["live"])
    kind: OfKind | None = Field(None, description="Only keys of this kind.")
    sort: Order = Field(
        "-created",
        description="Order; `-` is descending. By `expires`, keys that never expire are listed as expiring last; by "
        "`used` and `requests`, keys that were never used count as 0. A cursor is only valid for its own order.",
    )


class KeyListOut(KeysOut):
    """A page of API keys, in the order of `sort`."""

    total: int | None = Field(
        description="Matching keys on all pages. Only on the first page; `null` on the others and with `show` = "
        "`never-used` or `unused`.",
        examples=[128],
    )
    complete_until: CompleteUntil
