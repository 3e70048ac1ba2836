"""Requests and responses about applying a configuration and importing scopes."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.api.budget_shapes import Budgets
from ari.api.instance_policy import InstancePolicyIn
from ari.api.kind_shapes import KindChangeIn
from ari.api.model_shapes import ModelRulesIn
from ari.api.preset_shapes import PresetIn
from ari.api.prices import ModelPriceIn
from ari.api.shapes import RequestModel
from ari.integrations.checks import MAX_BASE_URL
from ari.integrations.upstreams import MAX_TITLE

_SCOPES: dict[str, JsonValue] = {"orders:read": "List orders and read their details."}
_PRESETS: dict[str, JsonValue] = {
    "orders-reader": {"label": "Orders reader", "description": "Can read orders.", "scopes": ["orders:read"]}
}
_KINDS: dict[str, JsonValue] = {"acme-live": {"prefix": "acme_live_", "expires": "1y", "scopes": ["orders:read"]}}
_DOCUMENT: dict[str, JsonValue] = {
    "openapi": "3.1.0",
    "paths": {"/orders": {"get": {"security": [{"oauth": ["orders:read"]}]}}},
}
_UPSTREAMS: dict[str, JsonValue] = {"vllm-a": {"base_url": "https://vllm.example.com/v1", "title": "vLLM A"}}
_MONTHLY: dict[str, JsonValue] = {"name": "monthly", "amount_usd": "500.00", "period": "month"}
DRY_RUN = "List the changes without making them."


class DeclaredKindIn(KindChangeIn):
    """A kind of keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KINDS["acme-live"]]})

    prefix: StrictStr = Field(
        description="What its keys begin with. It can't be changed.",
        examples=["acme_live_"],
        json_schema_extra={"maxLength": 20},
    )


class DeclaredUpstreamIn(RequestModel):
    """A named OpenAI-compatible service."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UPSTREAMS["vllm-a"]]})

    base_url: StrictStr = Field(
        description="Base URL, with or without `/v1`.",
        examples=["https://vllm.example.com/v1"],
        json_schema_extra={"maxLength": MAX_BASE_URL},
    )
    title: StrictStr | None = Field(
        None, max_length=MAX_TITLE, description="Name for people; default: the present one.", examples=["vLLM A"]
    )


class ApplyIn(RequestModel):
    """The desired state of the instance. Sections that are left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scopes": _SCOPES, "dry_run": True}]})

    scopes: dict[str, StrictStr] | None = Field(
        None, description="Descriptions of scopes, by name.", examples=[_SCOPES]
    )
    presets: dict[str, PresetIn] | None = Field(None, description="Presets, by name.", examples=[_PRESETS])
    default_preset: StrictStr | None = Field(
        None, max_length=40, description="Preset for new keys.", examples=["orders-reader"]
    )
    kinds: dict[str, DeclaredKindIn] | None = Field(
        None,
        description="Kinds of keys, by name; each loses defaults that are left out. A key needs `kinds:write`.",
        examples=[_KINDS],
    )
    instance_policy: InstancePolicyIn | None = Field(
        None,
        description="Rules for all keys. Rules that are left out stay as they are, `null` removes one. Not for keys.",
    )
    model_aliases: dict[str, list[StrictStr]] | None = Field(
        None,
        description="Other names for AI models: the models of each alias. A key needs `integrations:write`.",
        examples=[{"fast": ["openai/gpt-5-mini"]}],
    )
    model_prices: dict[str, ModelPriceIn] | None = Field(
        None,
        description="Your own prices of AI models, by pattern. A key needs `integrations:write`.",
        examples=[{"openai/gpt-5*": {"input_usd": "1.10", "output_usd": "8.80"}}],
    )
    model_discounts: dict[str, StrictStr] | None = Field(
        None,
        description="Percentages off the prices of AI models, by pattern. A key needs `integrations:write`.",
        examples=[{"anthropic/*": "15"}],
    )
    upstreams: dict[str, DeclaredUpstreamIn] | None = Field(
        None, description="Named upstreams. A key needs `integrations:write`.", examples=[_UPSTREAMS]
    )
    instance_budgets: Budgets | None = Field(
        None,
        description="Budgets that all requests share, by their names. A key needs `integrations:write`.",
        examples=[[_MONTHLY]],
    )
    provider_budgets: dict[str, Budgets] | None = Field(
        None,
        description="Budgets by provider. A key needs `integrations:write`.",
        examples=[{"openai": [_MONTHLY]}],
    )
    consumer_models: dict[str, ModelRulesIn] | None = Field(
        None,
        description="AI models of consumers, by name, ID or external ID; empty lists: all. A key needs "
        "`consumers:write`.",
        examples=[{"acme": {"allow": ["openai/gpt-5*"]}}],
    )
    key_models: dict[str, ModelRulesIn] | None = Field(
        None,
        description="AI models of keys, by ID or the name of an active key; empty lists: all. A key needs "
        "`keys:write`.",
        examples=[{"Support bot": {"deny": ["openai/gpt-5-pro"]}}],
    )
    prune: StrictBool = Field(
        False,
        description="Also remove scopes, presets, kinds, aliases, prices, upstreams and budgets that these sections "
        "don't list.",
    )
    force: StrictBool = Field(
        False,
        description="Prune scopes even from keys and presets that list them, and change or prune upstreams even if "
        "that deletes their stored keys.",
    )
    dry_run: StrictBool = Field(True, description=DRY_RUN)


class ImportScopesIn(RequestModel):
    """An OpenAPI document."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document": _DOCUMENT, "dry_run": True}]})

    document: dict[str, Any] = Field(
        description="OpenAPI 3 or Swagger 2, as JSON.",
        examples=[_DOCUMENT],
    )
    dry_run: StrictBool = Field(True, description=DRY_RUN)


class ChangedFieldOut(BaseModel):
    """A field of a changed object. Values are text; lists and objects are JSON, `null` means that there is none."""

    field: str = Field(description="Name of the field.", examples=["amount_usd"])
    old: str | None = Field(description="The value before.", examples=["500.00"])
    new: str | None = Field(description="The value after.", examples=["600.00"])


class AppliedChangeOut(BaseModel):
    """One change."""

    action: Literal["add", "change", "remove"] = Field(description="Kind of change.", examples=["add"])
    kind: str = Field(
        description="Kind of object: `scope`, `preset`, `default preset`, `kind`, `rule`, `model alias`, "
        "`model price`, `model discount`, `upstream`, `budget`, `consumer models` or `key models`.",
        examples=["scope"],
    )
    name: str = Field(description="Its name.", examples=["orders:read"])
    key_count: int = Field(description="Active keys that lose a removed scope.", examples=[0])
    needs_force: bool = Field(
        description="Whether keys or presets list the removed scope, or an upstream loses stored keys.",
        examples=[False],
    )
    fields: list[ChangedFieldOut] = Field(description="The fields that differ; only of a change.", examples=[[]])


class AppliedOut(BaseModel):
    """The changes, all of them in one transaction."""

    dry_run: bool = Field(description="Whether nothing was changed yet.", examples=[True])
    changes: list[AppliedChangeOut] = Field(description="Changes.")


class SkippedScopeOut(BaseModel):
    """A name that can't be declared."""

    name: str = Field(description="Its beginning, up to 100 characters.", examples=["openid"])
    reason: str = Field(description="Why not.", examples=["It's one of ARI's own scopes."])


class ImportedScopesOut(AppliedOut):
    """The declared scopes, and the names that were skipped."""

    skipped: list[SkippedScopeOut] = Field(description="Names that can't be declared.")
