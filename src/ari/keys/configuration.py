"""The contents of a configuration file: what an instance should have. ``commands.apply`` makes it so, and
``ari.integrations.apply`` for upstreams, budgets, and the aliases and prices of models.

::

    default_preset = "orders-reader"

    [scopes]
    "orders:read" = "List orders and read their details."

    [presets.orders-reader]
    label = "Orders reader"
    description = "Can read orders and nothing else."
    scopes = ["orders:read"]

    [kinds.acme-live]
    prefix = "acme_live_"
    expires = "1y"
    scopes = ["orders:read"]
    limits = [{limit = 100, window = "1m"}]

    [instance_policy]
    max_lifetime_days = 365

    [model_aliases]
    fast = ["openai/gpt-5-mini"]

    [model_prices."openai/gpt-5*"]
    input_usd = "1.10"
    output_usd = "8.80"

    [model_discounts]
    "anthropic/*" = "15"

    [upstreams.vllm-a]
    base_url = "https://vllm.example.com/v1"
    title = "vLLM A"

    [[instance_budgets]]
    name = "monthly"
    amount_usd = "500.00"
    period = "month"

    [[provider_budgets.openai]]
    amount_usd = "200.00"
    period = "month"

    [consumer_models.acme]
    allow = ["openai/gpt-5*"]

    [key_models."Support bot"]
    deny = ["openai/gpt-5-pro"]
"""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys.custom_scopes import MAX_CUSTOM_SCOPES
from ari.keys.kinds import MAX_KINDS
from ari.keys.limits.budget_fields import BUDGET_FIELDS
from ari.keys.presets import MAX_PRESETS, Preset

_PRESET_FIELDS = ("label", "description", "scopes")
POLICY_FIELDS = ("max_lifetime_days", "disable_unused_days")
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class DeclaredKind:
    """A kind as a whole: ``defaults`` has the fields of ``KindChange`` that are given, the others are removed."""

    prefix: str
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredUpstream:
    """A named upstream. ``title`` ``None`` leaves that of an existing one as it is."""

    base_url: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Sections that a file doesn't have are ``None`` and stay as they are, whatever else is pruned."""

    scopes: Mapping[str, str] | None = None
    presets: Mapping[str, Preset] | None = None
    default_preset: str | None = None
    kinds: Mapping[str, DeclaredKind] | None = None
    instance_policy: Mapping[str, int | None] | None = None
    model_aliases: Mapping[str, tuple[str, ...]] | None = None
    model_prices: Mapping[str, Mapping[str, str]] | None = None
    model_discounts: Mapping[str, str] | None = None
    upstreams: Mapping[str, DeclaredUpstream] | None = None
    instance_budgets: Sequence[Mapping[str, Any]] | None = None
    provider_budgets: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    consumer_models: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None
    key_models: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None


def parse_configuration(content: object) -> Configuration:
    """The configuration in a parsed file. Raises ``Invalid``, each location a path such as ``presets.shop.label``.

    Names and texts are checked when they are applied, by the commands.
    """
    sections = _parse_table("", content, len(_SECTIONS))
    for name in sections:
        if name not in _SECTIONS:
            raise Invalid(Problem(_shorten(name), f"Unknown section. Known are {', '.join(_SECTIONS)}."))
    return Configuration(**{name: _SECTIONS[name](value) for name, value in sections.items()})


def _parse_scopes(value: object) -> dict[str, str]:
    table = _parse_table("scopes", value, MAX_CUSTOM_SCOPES)
    return {name.strip(): _parse_text(f"scopes.{_shorten(name)}", text) for name, text in table.items()}


def _parse_presets(value: object) -> dict[str, Preset]:
    table = _parse_table("presets", value, MAX_PRESETS)
    return {name: _parse_preset(name, fields) for name, fields in table.items()}


def _parse_kinds(value: object) -> dict[str, DeclaredKind]:
    table = _parse_table("kinds", value, MAX_KINDS)
    return {name: _parse_kind(f"kinds.{_shorten(name)}", fields) for name, fields in table.items()}


def _parse_kind(place: str, value: object) -> DeclaredKind:
    given = _parse_fields(place, value, ("prefix", *_KIND_FIELDS))
    fields = {name: one for name, one in given.items() if one is not None}
    if "prefix" not in fields:
        raise Invalid(Problem(f"{place}.prefix", "This field is required."))
    prefix = _parse_text(f"{place}.prefix", fields.pop("prefix"))
    return DeclaredKind(prefix, {name: _KIND_FIELDS[name](f"{place}.{name}", one) for name, one in fields.items()})


def _parse_limit_tables(place: str, value: object) -> list[dict[str, Any]]:
    listed = _parse_list(place, value)
    return [_parse_fields(f"{place}.{number}", one, _LIMIT_FIELDS) for number, one in enumerate(listed)]


def _parse_budget_tables(place: str, value: object) -> list[dict[str, Any]]:
    listed = _parse_list(place, value)
    return [_parse_fields(f"{place}.{number}", one, BUDGET_FIELDS) for number, one in enumerate(listed)]


def _parse_models(place: str, value: object) -> dict[str, tuple[str, ...]]:
    fields = _parse_fields(place, value, ("allow", "deny"))
    return {name: _parse_texts(f"{place}.{name}", texts) for name, texts in fields.items()}


def _parse_credits(place: str, value: object) -> dict[str, Any]:
    fields = _parse_fields(place, value, ("amount", "refill"))
    refill = fields.get("refill")
    return fields | {"refill": None if refill is None else _parse_fields(f"{place}.refill", refill, _REFILL_FIELDS)}


def _parse_policy(value: object) -> dict[str, int | None]:
    place = "instance_policy"
    fields = _parse_fields(place, value, POLICY_FIELDS)
    return {name: None if days is None else _parse_number(f"{place}.{name}", days) for name, days in fields.items()}


def _parse_preset(name: str, value: object) -> Preset:
    place = f"presets.{_shorten(name)}"
    fields = _parse_fields(place, value, _PRESET_FIELDS)
    for field in _PRESET_FIELDS:
        if field not in fields:
            raise Invalid(Problem(f"{place}.{field}", "This field is required."))
    label, description = (_parse_text(f"{place}.{field}", fields[field]) for field in ("label", "description"))
    return Preset(name, label, description, _parse_texts(f"{place}.scopes", fields["scopes"]))


def _parse_aliases(value: object) -> dict[str, tuple[str, ...]]:
    place = "model_aliases"
    table = _parse_table(place, value, sys.maxsize)
    return {name: _parse_texts(f"{place}.{_shorten(name)}", models) for name, models in table.items()}


def _parse_prices(value: object) -> dict[str, dict[str, str]]:
    table = _parse_table("model_prices", value, sys.maxsize)
    return {name: _parse_named_texts(f"model_prices.{_shorten(name)}", fields) for name, fields in table.items()}


def _parse_discounts(value: object) -> dict[str, str]:
    return _parse_named_texts("model_discounts", value)


def _parse_named_texts(place: str, value: object) -> dict[str, str]:
    table = _parse_table(place, value, sys.maxsize)
    return {name: _parse_text(f"{place}.{_shorten(name)}", text) for name, text in table.items() if text is not None}


def _parse_upstreams(value: object) -> dict[str, DeclaredUpstream]:
    table = _parse_table("upstreams", value, sys.maxsize)
    return {name: _parse_upstream(f"upstreams.{_shorten(name)}", fields) for name, fields in table.items()}


def _parse_upstream(place: str, value: object) -> DeclaredUpstream:
    given = _parse_fields(place, value, ("base_url", "title"))
    fields = {name: _parse_text(f"{place}.{name}", text) for name, text in given.items() if text is not None}
    if "base_url" not in fields:
        raise Invalid(Problem(f"{place}.base_url", "This field is required."))
    return DeclaredUpstream(**fields)


def _parse_instance_budgets(value: object) -> list[dict[str, Any]]:
    return _parse_budget_tables("instance_budgets", value)


def _parse_provider_budgets(value: object) -> dict[str, list[dict[str, Any]]]:
    table = _parse_table("provider_budgets", value, sys.maxsize)
    return {name: _parse_budget_tables(f"provider_budgets.{_shorten(name)}", one) for name, one in table.items()}


def _parse_consumer_models(value: object) -> dict[str, dict[str, tuple[str, ...]]]:
    return _parse_named_models("consumer_models", value)


def _parse_key_models(value: object) -> dict[str, dict[str, tuple[str, ...]]]:
    return _parse_named_models("key_models", value)


def _parse_named_models(place: str, value: object) -> dict[str, dict[str, tuple[str, ...]]]:
    table = _parse_table(place, value, sys.maxsize)
    return {name: _parse_models(f"{place}.{_shorten(name)}", rules) for name, rules in table.items()}


def _parse_default(value: object) -> str:
    return _parse_text("default_preset", value)


def _parse_table(place: str, value: object, most: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(Problem(place or "file", "Must be a table (an object in JSON)."))
    if len(value) > most and place:
        raise Invalid(Problem(place, f"At most {most} entries."))
    return value


def _parse_fields(place: str, value: object, known: Collection[str]) -> dict[str, Any]:
    fields = _parse_table(place, value, sys.maxsize)
    unknown = [Problem(f"{place}.{_shorten(name)}", "Unknown field.") for name in fields if name not in known]
    if unknown:
        raise Invalid(*unknown)
    return fields


def _parse_list(place: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid(Problem(place, "Must be a list."))
    return value


def _parse_texts(place: str, value: object) -> tuple[str, ...]:
    return tuple(_parse_text(f"{place}.{number}", text) for number, text in enumerate(_parse_list(place, value)))


def _parse_number(place: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid(Problem(place, "Must be a whole number."))
    return value


def _parse_text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(Problem(place, "Must be a string."))
    return value


def _shorten(name: str) -> str:
    return name[:_MAX_SHOWN]


_LIMIT_FIELDS = ("name", "limit", "window")
_REFILL_FIELDS = ("amount", "every", "hour", "time_zone")
_KIND_FIELDS: dict[str, Callable[[str, object], Any]] = {
    "description": _parse_text,
    "expires": _parse_text,
    "max_lifetime_days": _parse_number,
    "scopes": _parse_texts,
    "environment": _parse_text,
    "leak_action": _parse_text,
    "limits": _parse_limit_tables,
    "credits": _parse_credits,
    "budgets": _parse_budget_tables,
    "models": _parse_models,
}
_SECTIONS: dict[str, Callable[[object], Any]] = {
    "scopes": _parse_scopes,
    "presets": _parse_presets,
    "default_preset": _parse_default,
    "kinds": _parse_kinds,
    "instance_policy": _parse_policy,
    "model_aliases": _parse_aliases,
    "model_prices": _parse_prices,
    "model_discounts": _parse_discounts,
    "upstreams": _parse_upstreams,
    "instance_budgets": _parse_instance_budgets,
    "provider_budgets": _parse_provider_budgets,
    "consumer_models": _parse_consumer_models,
    "key_models": _parse_key_models,
}
