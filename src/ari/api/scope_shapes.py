"""Requests and responses about scopes."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.shapes import Nullable, PageIn, RequestModel
from ari.keys.custom_scopes import DESCRIPTION_LENGTH, NAME_PATTERN

_EXAMPLE: dict[str, JsonValue] = {"name": "orders:read", "description": "List orders and read their details."}
_NAME: dict[str, JsonValue] = {"pattern": NAME_PATTERN}
ScopeName = Annotated[
    str, Path(max_length=64, description="Name of a scope, such as `orders:read`.", examples=["orders:read"])
]
Description = Annotated[
    StrictStr,
    Field(
        max_length=DESCRIPTION_LENGTH,
        description=f"What a key with this scope may do; 1–{DESCRIPTION_LENGTH} characters.",
        examples=[_EXAMPLE["description"]],
        json_schema_extra={"minLength": 1},
    ),
]


class NewScopeIn(RequestModel):
    """A scope of your own API."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Annotated[StrictStr, Field(max_length=64, json_schema_extra=_NAME)] = Field(
        description="`resource:action`. ARI's own resources, such as `keys`, are reserved.", examples=["orders:read"]
    )
    description: Description


class ScopeChangeIn(RequestModel):
    """A new description."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"description": _EXAMPLE["description"]}]})

    description: Description


class RemoveScopeIn(RequestModel):
    """How to remove a scope."""

    force: bool = Field(
        False,
        description="Also remove the scope from the active keys and presets that list it by name. Needs `keys:write`, "
        "and all scopes of these keys.",
    )


class ScopeKeysIn(PageIn):
    """Paging through the keys with a scope."""


class ScopeOut(BaseModel):
    """A scope that keys can hold."""

    name: str = Field(description="Name of the scope.", examples=["orders:read"])
    description: str = Field(
        description="What a key with this scope may do.", examples=["List orders and read their details."]
    )
    built_in: bool = Field(description="Whether it's one of ARI's own scopes.", examples=[False])
    key_count: int = Field(description="Active keys that hold it, including by a wildcard.", examples=[3])
    created_at: Nullable = Field(
        description="When it was declared; `null` for ARI's own scopes.", examples=["2026-11-02T12:00:00.000Z"]
    )
    created_by: str | None = Field(
        description="ID of the account or key that declared it, or the command-line user; `null` for ARI's own scopes.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )


class ScopesOut(BaseModel):
    """Every scope, on a single page: your own by name, then ARI's."""

    items: list[ScopeOut] = Field(description="Scopes.")
    next_cursor: None = Field(description="Always `null`.", examples=[None])
