"""Requests and responses of rotation."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from ari.api.key_shapes import KeyOut, SecretOut
from ari.api.shapes import ADDRESS, HINT, SECRET, TIME, RequestModel
from ari.keys.overlap import DEFAULT_OVERLAP, OVERLAP_PATTERN


class RotateIn(RequestModel):
    """How to rotate a key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap": "24h"}]})

    overlap: Annotated[StrictStr, Field(pattern=OVERLAP_PATTERN)] = Field(
        DEFAULT_OVERLAP,
        description="How long the old secret works next to the new one, from `0s` to `30d`. `0s` retires it now.",
        examples=["24h"],
    )
    retire_old_now: StrictBool = Field(
        False,
        description="Retire the old secret of an earlier rotation that is still in its overlap. Without this, the key "
        "can't be rotated until that secret has retired.",
    )


class RotatedOut(BaseModel):
    """The key and its new secret (returned only once)."""

    key: KeyOut = Field(description="The key, without its secrets.")
    secret: str = Field(
        description="The new secret. It's never shown again.",
        examples=["ari_k_" + "0" * 49],
        json_schema_extra=SECRET,
    )
    secret_number: int = Field(description="Number of the new secret.", examples=[2])
    old_hint: str = Field(description="First and last characters of the old secret.", examples=[HINT])
    old_retires_at: str = Field(description="When the old secret retires.", json_schema_extra=TIME)


class ClientOut(BaseModel):
    """A client of a key: an IP address or a user agent."""

    value: str = Field(description="The address or user agent.", examples=[ADDRESS])
    request_count: int = Field(description="Allowed requests.", examples=[12])
    refused_count: int = Field(description="Refused requests.", examples=[0])
    first_seen_at: str = Field(description="First request.", json_schema_extra=TIME)
    last_seen_at: str = Field(description="Last request.", json_schema_extra=TIME)


class SecretUseOut(SecretOut):
    """Who uses a secret: counted from its newest 5,000 rows in the log since the key was first rotated."""

    request_count: int = Field(description="Allowed requests.", examples=[12])
    refused_count: int = Field(description="Refused requests.", examples=[0])
    is_complete: bool = Field(description="Whether all its requests in the log were counted.", examples=[True])
    addresses: list[ClientOut] = Field(description="Client IP addresses, last seen first, up to 50.")
    user_agents: list[ClientOut] = Field(description="User agents, last seen first, up to 50.")
