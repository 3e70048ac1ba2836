"""Requests and responses of ``/api/verify``, for OpenAPI; ``verify.py`` parses and writes them itself."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.shapes import FieldProblem, Nullable, RequestModel

MAX_ITEMS = 100
MAX_SCOPES = 20
SCOPE_PATTERN = r"^(\*|[a-z][a-z0-9_-]{0,30}:(\*|[a-z][a-z0-9_-]{0,30}))$"

_EXAMPLE: dict[str, JsonValue] = {"key": "ari_k_" + "0" * 49, "scopes": ["usage:read"], "client_address": "203.0.113.7"}
MAX_ADDRESS_LENGTH = 64


class VerifyIn(RequestModel):
    """A key that your service received."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key: StrictStr = Field(
        description="The key exactly as received. Anything that isn't an ARI key is `malformed`.",
        examples=[_EXAMPLE["key"]],
    )
    scopes: Annotated[list[Annotated[StrictStr, Field(pattern=SCOPE_PATTERN)]], Field(max_length=MAX_SCOPES)] = Field(
        default_factory=list,
        description="Scopes the key must have: ARI's own or declared ones. A scope that isn't declared is a 422.",
        examples=[["usage:read"]],
    )
    client_address: Annotated[StrictStr, Field(max_length=MAX_ADDRESS_LENGTH)] | None = Field(
        None, description="IP address of your client, for the key's usage log.", examples=["203.0.113.7"]
    )


class VerifyBatchIn(RequestModel):
    """Several keys; each is verified separately."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: Annotated[list[VerifyIn], Field(max_length=MAX_ITEMS)] = Field(
        description="Keys to verify, up to 100.", examples=[[_EXAMPLE]]
    )


class VerifyItemsIn(RequestModel):
    """A batch whose items are not looked at yet: one that cannot be read harms no other."""

    items: Annotated[list[Any], Field(max_length=MAX_ITEMS)]


class VerifiedKeyOut(BaseModel):
    """Public details of a key."""

    id: str = Field(description="Key ID.", examples=["key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    name: str = Field(description="The script or app that uses the key.", examples=["Automation Script"])
    hint: str = Field(description="First and last characters of the secret.", examples=["ari_k_7Qm2…b4Zk"])
    scopes: list[str] = Field(description="Scopes of the key.", examples=[["usage:read"]])
    expires_at: Nullable = Field(
        description="When the key expires; `null` = never.", examples=["2027-01-31T12:00:00.000Z"]
    )


class VerdictOut(BaseModel):
    """Result for one key."""

    valid: bool = Field(description="Whether the key is valid and has the scopes.", examples=[True])
    code: str = Field(description="`ok`, or the reason it's refused.", examples=["ok"])
    key: VerifiedKeyOut | None = Field(description="`null` if ARI has no such key.")


class BatchVerdictOut(VerdictOut):
    """Result for one item. An item that can't be parsed has the code `invalid` and `errors`."""

    errors: list[FieldProblem] | None = Field(
        None, description="Problems of an item with the code `invalid`.", examples=[None]
    )


class VerdictsOut(BaseModel):
    """Results, in the order of the items."""

    items: list[BatchVerdictOut] = Field(description="Results.")
