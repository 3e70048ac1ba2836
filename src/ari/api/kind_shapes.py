"""Requests and responses about kinds of keys."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt, StrictStr

from ari.api.budget_shapes import Budgets, DefaultBudgetOut
from ari.api.limit_shapes import CreditsIn, LimitOut, Limits, RefillOut
from ari.api.model_shapes import ModelRulesIn, ModelRulesOut
from ari.api.ownership_shapes import Environment
from ari.api.shapes import Nullable, RequestModel, Scopes, not_null, without_default
from ari.keys.expiry import DURATION_WORDS, EXPIRES_PATTERN, MAX_LIFETIME_DAYS
from ari.keys.kinds import KIND_DESCRIPTION_LENGTH, KIND_NAME_PATTERN, LEAK_ACTIONS
from ari.keys.scanner_rules import FILE_NAMES, SCANNERS, write_rules

_EXAMPLE: dict[str, JsonValue] = {"name": "acme-live", "prefix": "acme_live_", "expires": "1y", "scopes": ["api:read"]}
KindName = Annotated[str, Path(max_length=40, description="Name of a kind.", examples=["acme-live"])]
ScannerName = Annotated[
    str, Path(description="The scanner.", examples=["gitleaks"], json_schema_extra={"enum": [*SCANNERS]})
]
_Expires = Annotated[StrictStr, Field(json_schema_extra={"pattern": EXPIRES_PATTERN}, examples=["1y"])]
_Days = Annotated[StrictInt, Field(examples=[365], json_schema_extra={"minimum": 1, "maximum": MAX_LIFETIME_DAYS})]
_LeakAction = Annotated[StrictStr, Field(json_schema_extra={"enum": [*LEAK_ACTIONS]}, examples=["revoke"])]
_Description = Annotated[
    StrictStr, Field(json_schema_extra={"maxLength": KIND_DESCRIPTION_LENGTH}, examples=["Keys of our customers"])
]


class KindChangeIn(RequestModel):
    """Fields to change; omitted fields stay the same, `null` removes a default. Existing keys aren't changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"leak_action": "revoke"}]})

    description: _Description | None = Field(None, description="What the kind is for.", json_schema_extra=not_null)
    expires: _Expires | None = Field(
        None, description=f"Lifetime of a new key without one: {DURATION_WORDS}.", json_schema_extra=without_default
    )
    max_lifetime_days: _Days | None = Field(
        None, description="Maximum lifetime of a key in days.", json_schema_extra=without_default
    )
    scopes: Scopes | None = Field(
        None, description="Scopes of a new key without any.", json_schema_extra=without_default
    )
    environment: Environment | None = Field(
        None, description="What new keys are for.", json_schema_extra=without_default
    )
    leak_action: _LeakAction | None = Field(
        None,
        description="What happens to a key that is reported as leaked; `null`: as `ARI_LEAK_ACTION` says.",
        json_schema_extra=without_default,
    )
    limits: Limits | None = Field(
        None, description="Rate limits of a new key without `limits`.", json_schema_extra=without_default
    )
    credits: CreditsIn | None = Field(
        None, description="Credits of a new key without `credits`.", json_schema_extra=without_default
    )
    budgets: Budgets | None = Field(
        None, description="Budgets for AI of a new key without `budgets`.", json_schema_extra=without_default
    )
    models: ModelRulesIn | None = Field(
        None, description="AI models that a new key without `models` may use.", json_schema_extra=without_default
    )


class NewKindIn(KindChangeIn):
    """A kind of keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: StrictStr = Field(
        description="Lowercase letters, digits and `-`.",
        examples=["acme-live"],
        json_schema_extra={"pattern": KIND_NAME_PATTERN, "maxLength": 40},
    )
    prefix: StrictStr = Field(
        description="What its keys begin with: 2–20 lowercase letters, digits and `_`, ending in `_`. It can't be "
        "changed.",
        examples=["acme_live_"],
        json_schema_extra={"maxLength": 20},
    )


class DefaultCreditsOut(BaseModel):
    """Credits of a new key."""

    amount: int = Field(description="The balance that it begins with.", examples=[1000])
    refill: RefillOut | None = Field(description="Refill by the calendar; `null` for none.")


class KindOut(BaseModel):
    """A kind of keys."""

    name: str = Field(description="Name of the kind.", examples=["acme-live"])
    prefix: str = Field(description="What its keys begin with.", examples=["acme_live_"])
    description: str = Field(description="What the kind is for.", examples=["Keys of our customers"])
    expires: str | None = Field(description="Lifetime of a new key without one; `null` = never.", examples=["1y"])
    max_lifetime_days: int | None = Field(
        description="Days after which each key has expired; `null` = no limit.", examples=[365]
    )
    scopes: list[str] | None = Field(description="Scopes of a new key without any.", examples=[["api:read"]])
    environment: Literal["live", "test"] | None = Field(description="What new keys are for.", examples=["live"])
    leak_action: Literal["notify", "disable", "revoke"] | None = Field(
        description="What happens to a key that is reported as leaked; `null`: as `ARI_LEAK_ACTION` says.",
        examples=["revoke"],
    )
    limits: list[LimitOut] | None = Field(
        description="Rate limits of a new key without `limits`; `null` for none.",
        examples=[[{"name": "default", "limit": 100, "window": "1m"}]],
    )
    credits: DefaultCreditsOut | None = Field(description="Credits of a new key without `credits`; `null` for none.")
    budgets: list[DefaultBudgetOut] | None = Field(
        description="Budgets for AI of a new key without `budgets`; `null` for none.", examples=[None]
    )
    models: ModelRulesOut | None = Field(description="AI models that a new key without `models` may use; `null`: all.")
    key_count: int = Field(description="Its keys that aren't deleted.", examples=[12])
    created_at: Nullable = Field(description="When it was added.", examples=["2026-11-02T12:00:00.000Z"])
    created_by: str = Field(description="ID of the account or key that added it.", examples=["cli:alice"])


class KindsOut(BaseModel):
    """All kinds but the built-in one, whose keys begin with `ari_k_`."""

    items: list[KindOut] = Field(description="The kinds, by name.")
    next_cursor: None = Field(description="Always `null`: all kinds are on one page.", examples=[None])


class ScannerRulesOut(BaseModel):
    """Rules with which a scanner finds keys of every kind."""

    scanner: str = Field(description="The scanner.", examples=["gitleaks"])
    file_name: str = Field(description="Name under which to save the rules.", examples=[FILE_NAMES["gitleaks"]])
    rules: str = Field(description="Contents of the file.", examples=[write_rules("gitleaks")])
