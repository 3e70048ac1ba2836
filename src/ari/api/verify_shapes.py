"""The JSON shapes of ``/api/verify``, for the description; ``verify.py`` reads and writes them itself."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.shapes import FieldProblem, Nullable, Sent

MOST_ITEMS = 100
MOST_SCOPES = 20
SCOPE_PATTERN = r"^(\*|[a-z][a-z0-9_-]{0,30}:(\*|[a-z][a-z0-9_-]{0,30}))$"

_EXAMPLE: dict[str, JsonValue] = {"key": "ari_k_" + "0" * 49, "scopes": ["usage:read"], "client_address": "203.0.113.7"}
ADDRESS_LENGTH = 64


class VerifyIn(Sent):
    """A key that somebody presented to your service."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key: StrictStr = Field(
        description="The text as it was presented; anything that is no key is `malformed`.", examples=[_EXAMPLE["key"]]
    )
    scopes: Annotated[list[Annotated[StrictStr, Field(pattern=SCOPE_PATTERN)]], Field(max_length=MOST_SCOPES)] = Field(
        default_factory=list,
        description="What the key must be allowed to do, all of it. A scope that this instance does not know is held "
        "by `*` alone.",
        examples=[["usage:read"]],
    )
    client_address: Annotated[StrictStr, Field(max_length=ADDRESS_LENGTH)] | None = Field(
        None, description="The IP address of your client, for the key's usage log.", examples=["203.0.113.7"]
    )


class VerifyBatchIn(Sent):
    """Many keys at once; each is judged on its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: Annotated[list[VerifyIn], Field(max_length=MOST_ITEMS)] = Field(
        description="The keys to judge, up to 100.", examples=[[_EXAMPLE]]
    )


class VerifyItemsIn(Sent):
    """A batch whose items are not looked at yet: one that cannot be read harms no other."""

    items: Annotated[list[Any], Field(max_length=MOST_ITEMS)]


class VerifiedKeyOut(BaseModel):
    """The public facts of a key."""

    id: str = Field(description="The key's id.", examples=["key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    name: str = Field(description="What uses the key.", examples=["Automation Script"])
    hint: str = Field(description="The first and last characters of the secret.", examples=["ari_k_7Qm2…b4Zk"])
    scopes: list[str] = Field(description="What the key may do.", examples=[["usage:read"]])
    expires_at: Nullable = Field(
        description="From when on it is refused; `null` = never.", examples=["2027-01-31T12:00:00.000Z"]
    )


class VerdictOut(BaseModel):
    """The decision about one key."""

    valid: bool = Field(description="Whether the key is good for what was asked.", examples=[True])
    code: str = Field(description="`ok`, or why the key is refused.", examples=["ok"])
    key: VerifiedKeyOut | None = Field(description="`null` if this instance knows no such key.")


class BatchVerdictOut(VerdictOut):
    """The decision about one item; an item that cannot be read has the code `invalid` and says why."""

    errors: list[FieldProblem] | None = Field(
        None, description="What is wrong with an item that has the code `invalid`.", examples=[None]
    )


class VerdictsOut(BaseModel):
    """One decision for each item, in the order of the items."""

    items: list[BatchVerdictOut] = Field(description="The decisions.")
