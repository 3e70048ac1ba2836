"""Allowed and denied models in requests and responses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.shapes import RequestModel
from ari.keys.model_rules import MAX_PATTERN_LENGTH, MAX_PATTERNS
from ari.keys.unset import UNSET, Unset

_ALLOWED: list[JsonValue] = ["openai/gpt-5*", "anthropic/*"]
_DENIED: list[JsonValue] = ["openai/gpt-5-pro*"]
_RULES: dict[str, JsonValue] = {"allow": _ALLOWED, "deny": _DENIED}
_ALLOW = "Models that may be used: `provider/model` with `*` for any characters; an empty list: all."
_DENY = "Models that may not be used, although `allow` has them."
_Patterns = Annotated[
    list[Annotated[StrictStr, Field(json_schema_extra={"maxLength": MAX_PATTERN_LENGTH})]],
    Field(json_schema_extra={"maxItems": MAX_PATTERNS}),
]


class ModelRulesIn(RequestModel):
    """The AI models that may be used."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULES]})

    allow: _Patterns = Field(default_factory=list, description=_ALLOW, examples=[_ALLOWED])
    deny: _Patterns = Field(default_factory=list, description=_DENY, examples=[_DENIED])


class ModelRulesOut(BaseModel):
    """The AI models that may be used."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULES]})

    allow: list[str] = Field(description=_ALLOW, examples=[_ALLOWED])
    deny: list[str] = Field(description=_DENY, examples=[_DENIED])


def models_of(sent: ModelRulesIn | None, given: set[str]) -> dict[str, list[str]] | Unset | None:
    """The rules of a change, ``UNSET`` if it leaves them out."""
    if "models" not in given:
        return UNSET
    return None if sent is None else sent.model_dump()
