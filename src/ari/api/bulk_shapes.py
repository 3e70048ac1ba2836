"""Changes to many keys at once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from ari.api.key_list_shapes import OfKind, TagName
from ari.api.key_shapes import KeyOut
from ari.api.ownership_shapes import ConsumerReference
from ari.api.shapes import KEY_ID, RequestModel, Time
from ari.keys import MAX_KEYS_AT_ONCE
from ari.keys.names import REASON_LENGTH

ListedId = Annotated[StrictStr, Field(pattern=r"^key_[0-9A-HJKMNP-TV-Z]{26}$")]


class BulkIn(RequestModel):
    """A change to the keys of a consumer or kind, with a tag, or listed ones. With several, to keys that match all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "revoke", "consumer": "customer_4711"}]})

    action: Literal["revoke", "disable", "enable", "expire"] = Field(
        description="What to do. `expire` sets `expires_at`.", examples=["revoke"]
    )
    consumer: ConsumerReference | None = Field(None, description="Keys of this consumer: its ID or your external ID.")
    tag: TagName | None = Field(None, description="Keys with this tag.")
    kind: OfKind | None = Field(None, description="Keys of this kind.")
    key_ids: Annotated[list[ListedId], Field(min_length=1, max_length=MAX_KEYS_AT_ONCE)] | None = Field(
        None,
        description="Exactly these keys, such as those that a dry run listed. If the change fits other keys of the "
        "consumer or kind or with the tag, or doesn't fit all of these, no key is changed.",
        examples=[[KEY_ID]],
    )
    reason: Annotated[StrictStr, Field(max_length=REASON_LENGTH)] | None = Field(
        None, description="For `revoke`: reason for the audit log.", examples=["Contract ended"]
    )
    expires_at: Time | None = Field(
        None, description="For `expire`: when the keys expire (RFC 3339); `null` = never. Required."
    )
    dry_run: StrictBool = Field(False, description="Only list the keys, without changing them.")


class LeftOutKey(BaseModel):
    """A key that the change doesn't fit."""

    id: str = Field(description="ID of the key.", examples=[KEY_ID])
    name: str = Field(description="Name of the key.", examples=["Backup script"])
    reason: str = Field(
        description="Why it was left out.", examples=["A key of the kind acme-live lives at most 30 days."]
    )


class BulkOut(BaseModel):
    """The keys that were changed, or would be."""

    items: list[KeyOut] = Field(description=f"Keys of this batch, at most {MAX_KEYS_AT_ONCE}.")
    remaining: int = Field(
        description="How many more keys the change fits. Repeat the request until this is 0.", examples=[0]
    )
    left_out: list[LeftOutKey] = Field(
        description=f"Matching keys that the change doesn't fit, newest first, at most {MAX_KEYS_AT_ONCE}."
    )
    left_out_count: int = Field(description="How many matching keys the change doesn't fit.", examples=[0])
    dry_run: bool = Field(description="Whether nothing was changed.", examples=[False])
