"""Named upstreams are added and removed as a whole, under the rules of every base URL."""

import pytest

from ari.base.caller import Caller
from ari.base.errors import Conflict, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.integrations import pool, upstream_commands
from ari.integrations.ai_rules.change_aliases import set_aliases
from ari.integrations.ai_rules.change_budgets import set_budgets, set_provider_budgets
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.credentials import credential, state, states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.upstream_commands import add_upstream, remove_upstream
from tests.unit.integrations.memory import MemoryIntegrationTransaction

NOTHING = ProviderEnvironment()
ADDRESS = "https://vllm-a.example.net/v1"


def test_an_upstream_comes_and_goes_as_a_whole(tx: MemoryIntegrationTransaction) -> None:
    """With its base URL and keys; its state is listed like that of any provider."""
    made = add_upstream(tx, "vllm-a", "vLLM A", ADDRESS)
    pool.add_key(tx, made, NOTHING, "any-look", "first")
    used = credential(tx, made, NOTHING)
    assert (used.base_url, used.secret) == ("https://vllm-a.example.net", "any-look")
    assert states(tx, NOTHING)[-1] == state(tx, made, NOTHING)
    remove_upstream(tx, "vllm-a")
    assert (tx.upstreams.rows, tx.integrations.rows, tx.provider_keys.rows, tx.sealed.kept) == ({}, {}, {}, {})
    assert tx.events.names() == [
        "integration_base_url_changed",
        "upstream_added",
        "provider_key_added",
        "upstream_removed",
    ]
    with pytest.raises(NotFound):
        remove_upstream(tx, "vllm-a")


def test_rules_about_an_upstream_go_with_it(tx: MemoryIntegrationTransaction) -> None:
    """Budgets, prices, discounts and aliases; a new upstream of the same name inherits none of them."""
    add_upstream(tx, "vllm-a", "vLLM A", ADDRESS)
    budget = {"name": "monthly", "amount_usd": "5.00", "period": "month"}
    known = ["vllm-a", "openai"]
    set_budgets(tx, None, {"vllm-a": [budget], "openai": [budget]}, known)
    discounts = [{"model": "vllm-a/*", "percent": "10"}, {"model": "openai/*", "percent": "20"}]
    set_prices(tx, {"prices": [{"model": "vllm-a/big", "per_request_usd": "1"}], "discounts": discounts})
    set_aliases(tx, {"fast": ["vllm-a/big", "openai/gpt-5-mini"], "own": ["vllm-a/big"]})
    remove_upstream(tx, "vllm-a")
    rules = tx.ai_rules.get()
    assert [name for name, own in rules.budgets.providers.items() if own.budgets] == ["openai"]
    assert (rules.prices.prices, [one.model for one in rules.prices.discounts]) == ((), ["openai/*"])
    assert rules.aliases.aliases == {"fast": ("openai/gpt-5-mini",)}
    with pytest.raises(Invalid, match="There is no such provider"):
        set_provider_budgets(tx, "vllm-a", [budget], ["openai"])


def test_what_cannot_be_added(tx: MemoryIntegrationTransaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken or reserved name, a bad address, a name that API keys still list, one too many."""
    add_upstream(tx, "vllm-a", "vLLM A", ADDRESS)
    with pytest.raises(Conflict, match="already an upstream"):
        add_upstream(tx, "vllm-a", "Another", ADDRESS)
    for name, address in (("openai", ADDRESS), ("vllm-b", "http://vllm.example.net"), ("vllm-b", "http://169.254.1.1")):
        with pytest.raises(Invalid):
            add_upstream(tx, name, "vLLM", address)
    tx.upstreams.listed["vllm-old"] = 2
    with pytest.raises(Conflict, match="2 active API keys still list ai:vllm-old"):
        add_upstream(tx, "vllm-old", "vLLM", ADDRESS)
    monkeypatch.setattr(upstream_commands, "MAX_UPSTREAMS", 1)
    with pytest.raises(Conflict, match="at most 1"):
        add_upstream(tx, "vllm-c", "vLLM", ADDRESS)


def test_who_may_add_one(tx: MemoryIntegrationTransaction) -> None:
    """An unconfirmed session neither adds nor removes; an API key gives no private address."""
    add_upstream(tx, "vllm-a", "vLLM A", ADDRESS)
    stale = tx.by(Caller("usr_1", Origin("web"), session_digest=b"s"))
    with pytest.raises(ReauthRequired):
        add_upstream(stale, "vllm-b", "vLLM B", ADDRESS)
    with pytest.raises(ReauthRequired):
        remove_upstream(stale, "vllm-a")
    key = tx.by(Caller("key_1", Origin("api"), scopes=("*",)))
    with pytest.raises(Invalid, match="only set public addresses"):
        add_upstream(key, "vllm-c", "vLLM C", "http://10.0.0.7:8000")
