"""Sections of a configuration about AI requests, on both databases: dry, applied, the same again, and pruned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.addresses import NO_ADDRESSES
from ari.base.errors import AriError, Conflict, Invalid
from ari.deps import Deps
from ari.integrations import pool
from ari.integrations.apply import apply_all
from ari.integrations.upstreams import find_provider
from ari.keys import NewConsumer, NewKey
from ari.keys.commands.apply import ChangedField
from ari.keys.configuration import parse_configuration
from tests.support.instances import opened

MONTH = {"name": "monthly", "amount_usd": "500.00", "period": "month", "time_zone": "Europe/Berlin"}
UPSTREAM = {"base_url": "https://vllm.example.com/v1", "title": "vLLM A"}
WANTED: dict[str, Any] = {
    "upstreams": {"vllm-a": UPSTREAM},
    "kinds": {"team": {"prefix": "team_", "budgets": [MONTH], "models": {"allow": ["vllm-a/*"]}}},
    "model_aliases": {"fast": ["vllm-a/llama-4", "openai/gpt-5-mini"]},
    "instance_budgets": [MONTH],
    "provider_budgets": {"vllm-a": [{"amount_tokens": 9_000, "period": "rolling", "window": "1h", "hard": False}]},
    "consumer_models": {"acme": {"allow": ["openai/gpt-5*"]}},
    "key_models": {"Support bot": {"deny": ["openai/gpt-5-pro"]}},
}
PLAN = [
    ("add", "upstream", "vllm-a"),
    ("add", "kind", "team"),
    ("add", "model alias", "fast"),
    ("add", "budget", "instance:monthly"),
    ("add", "budget", "provider:vllm-a:default"),
    ("add", "consumer models", "acme"),
    ("add", "key models", "Support bot"),
]


@pytest.fixture
def deps(data_dir: Path, database_url: str | None) -> Iterator[Deps]:
    """An instance with a consumer ``acme`` and a key ``Support bot``."""
    with opened(data_dir, database_url) as instance:
        deps = Deps(instance)
        deps.do_sync(keys.create_consumer, NewConsumer("Acme", "acme"))
        deps.do_sync(keys.create, NewKey("Support bot"))
        yield deps


def apply(
    deps: Deps, wanted: dict[str, Any], *, prune: bool = False, force: bool = False
) -> list[tuple[str, str, str]]:
    """The changes of a configuration, made in one transaction."""
    changes = deps.do_sync(apply_all, parse_configuration(wanted), prune, force)
    return [(one.action, one.kind, one.name) for one in changes]


def test_the_same_again_changes_nothing(deps: Deps) -> None:
    """The rehearsal lists what is then made."""
    rehearsed = deps.rehearse_sync(apply_all, parse_configuration(WANTED))
    assert [(one.action, one.kind, one.name) for one in rehearsed] == PLAN
    assert apply(deps, WANTED) == PLAN
    assert apply(deps, WANTED) == []
    assert apply(deps, WANTED, prune=True) == []


def test_a_section_is_merged_and_pruned(deps: Deps) -> None:
    """Without ``prune``, entries that the file doesn't have stay, as do sections that it doesn't have."""
    apply(deps, WANTED)
    other = {"name": "burst", "amount_usd": "5", "period": "day"}
    assert apply(deps, {"instance_budgets": [other]}) == [("add", "budget", "instance:burst")]
    assert apply(deps, {"provider_budgets": {"openai": [other]}}) == [("add", "budget", "provider:openai:burst")]
    less = {"instance_budgets": [MONTH | {"amount_usd": "400"}], "provider_budgets": {}, "upstreams": {}}
    assert apply(deps, less, prune=True) == [
        ("remove", "budget", "instance:burst"),
        ("change", "budget", "instance:monthly"),
        ("remove", "budget", "provider:openai:burst"),
        ("remove", "budget", "provider:vllm-a:default"),
        ("remove", "upstream", "vllm-a"),
    ]
    assert apply(deps, {"key_models": {"Support bot": {}}}) == [("remove", "key models", "Support bot")]
    assert apply(deps, {"consumer_models": {"Acme": {"deny": ["x"]}}}) == [("change", "consumer models", "Acme")]


def test_stored_keys_of_an_upstream_are_deleted_by_force_only(deps: Deps) -> None:
    """By another address or by pruning; another title keeps them."""
    apply(deps, WANTED)
    provider = deps.read_sync(find_provider, "vllm-a")
    deps.do_sync(pool.add_key, provider, deps.instance.provider_environment, "sk-0123456789abcdef0123", "")
    renamed = {"upstreams": {"vllm-a": UPSTREAM | {"title": "vLLM"}}}
    assert apply(deps, renamed) == [("change", "upstream", "vllm-a")]
    moved = {"upstreams": {"vllm-a": {"base_url": "https://vllm.example.net"}}}
    for wanted, prune in ((moved, False), ({"upstreams": {}}, True)):
        with pytest.raises(Conflict, match="vllm-a: This deletes its stored keys"):
            apply(deps, wanted, prune=prune)
    [planned] = deps.rehearse_sync(apply_all, parse_configuration(moved), force=True, listed=NO_ADDRESSES)
    assert planned.needs_force
    assert planned.fields == (ChangedField("base_url", "https://vllm.example.com", "https://vllm.example.net"),)
    assert apply(deps, moved, force=True) == [("change", "upstream", "vllm-a")]
    assert deps.read_sync(find_provider, "vllm-a").title == "vLLM"
    assert apply(deps, {"upstreams": {}}, prune=True) == [("remove", "upstream", "vllm-a")]


@pytest.mark.parametrize(
    ("wanted", "location", "sentence"),
    [
        ({"provider_budgets": {"nobody": [MONTH]}}, "provider_budgets.nobody", "no such provider"),
        ({"provider_budgets": {"openai": [MONTH, MONTH]}}, "provider_budgets.openai.1.name", ""),
        ({"instance_budgets": [MONTH | {"amount_usd": "0"}]}, "instance_budgets.0.amount_usd", "above 0"),
        ({"instance_budgets": [MONTH | {"increases": []}]}, "instance_budgets.0.increases", "Unknown field"),
        ({"instance_budgets": [MONTH] * 11}, "instance_budgets", "at most 10"),
        ({"upstreams": {"openai": UPSTREAM}}, "upstreams.openai.name", "another meaning"),
        ({"upstreams": {"a": {"title": "A"}}}, "upstreams.a.base_url", "required"),
        ({"upstreams": {"a": UPSTREAM | {"key": "sk-1"}}}, "upstreams.a.key", "Unknown field"),
        ({"upstreams": {"a": {"base_url": "https://me:secret@example.com"}}}, "upstreams.a.base_url", "password"),
        ({"model_aliases": {"fast": ["nobody/x"]}}, "model_aliases", "provider/model"),
        ({"consumer_models": {"nobody": {}}}, "consumer_models.nobody.name", "No such consumer"),
        ({"key_models": {"Nobody": {}}}, "key_models.Nobody.name", "No active key"),
        ({"key_models": {f"key_{'0' * 26}": {}}}, f"key_models.key_{'0' * 26}.name", "No such API key"),
        ({"key_models": {"Support bot": {"allow": ["/"]}}}, "key_models.Support bot.models", "model pattern"),
        ({"key_models": {"Support bot": {"only": []}}}, "key_models.Support bot.only", "Unknown field"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_changed(
    deps: Deps, wanted: dict[str, Any], location: str, sentence: str
) -> None:
    """Not even what comes before it in the file."""
    before = deps.rehearse_sync(apply_all, parse_configuration(WANTED))
    with pytest.raises(Invalid) as caught:
        apply(deps, {"scopes": {"orders:read": "List orders."}} | wanted)
    assert caught.value.problems[0].location == location
    assert sentence in caught.value.problems[0].message
    assert deps.rehearse_sync(apply_all, parse_configuration(WANTED)) == before


def test_a_name_of_several_keys_is_refused(deps: Deps) -> None:
    """The ID says which one is meant; a revoked key has no models any more."""
    other = deps.do_sync(keys.create, NewKey("support BOT")).key
    wanted = {"allow": ["openai/*"]}
    with pytest.raises(Invalid, match="Several active keys"):
        apply(deps, {"key_models": {"Support bot": wanted}})
    assert apply(deps, {"key_models": {other.id: wanted}}) == [("add", "key models", other.id)]
    deps.do_sync(keys.revoke, other.id)
    assert apply(deps, {"key_models": {"Support bot": wanted}}) == [("add", "key models", "Support bot")]
    with pytest.raises(AriError, match="can't be changed"):
        apply(deps, {"key_models": {other.id: {}}})
