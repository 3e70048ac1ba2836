"""Requests and responses about presets."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.shapes import RequestModel, Scopes
from ari.keys.custom_scopes import DESCRIPTION_LENGTH
from ari.keys.presets import LABEL_LENGTH

_EXAMPLE: dict[str, JsonValue] = {
    "label": "Orders reader",
    "description": "Can read orders and nothing else.",
    "scopes": ["orders:read"],
}
PresetName = Annotated[
    str,
    Path(max_length=40, description="Name of a preset: lowercase letters, digits and `-`.", examples=["orders-reader"]),
]


PresetDescription = Annotated[
    StrictStr,
    Field(
        max_length=DESCRIPTION_LENGTH,
        description=f"What a key with the preset's scopes may do; 1–{DESCRIPTION_LENGTH} characters.",
        examples=[_EXAMPLE["description"]],
        json_schema_extra={"minLength": 1},
    ),
]


class PresetIn(RequestModel):
    """The whole preset."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    label: Annotated[StrictStr, Field(max_length=LABEL_LENGTH, json_schema_extra={"minLength": 1})] = Field(
        description=f"Name for people; 1–{LABEL_LENGTH} characters.", examples=[_EXAMPLE["label"]]
    )
    description: PresetDescription
    scopes: Scopes


class PresetOut(BaseModel):
    """A named list of scopes. A key stores the scopes written out, so changing a preset changes no key."""

    name: str = Field(description="Name of the preset.", examples=["orders-reader"])
    label: str = Field(description="Name for people.", examples=[_EXAMPLE["label"]])
    description: str = Field(description="What a key with these scopes may do.", examples=[_EXAMPLE["description"]])
    scopes: list[str] = Field(description="Its scopes.", examples=[["orders:read"]])
    built_in: bool = Field(description="Whether it's one of ARI's own presets.", examples=[False])
    changed: bool = Field(description="Whether it replaces one of ARI's own.", examples=[False])
    default: bool = Field(description="Whether new keys without `scopes` get it.", examples=[False])


class PresetsOut(BaseModel):
    """Every preset, on a single page: ARI's, then your own."""

    items: list[PresetOut] = Field(description="Presets.")
    next_cursor: None = Field(description="Always `null`.", examples=[None])
