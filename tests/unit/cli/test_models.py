"""``ari models``: the commands."""

from ari.integrations.ai_rules.aliases import AliasRules
from tests.unit.cli.conftest import Ari


def test_an_alias_is_set_listed_and_removed(ari: Ari) -> None:
    """Others stay."""
    ari("models", "aliases", "set", "fast", "openai/gpt-5-mini", "groq/llama-4")
    assert ari("models", "aliases", "set", "smart", "openai/gpt-5").out == "The alias smart is now openai/gpt-5.\n"
    listed = ari.json("models", "aliases", "list")
    assert listed == {"aliases": {"fast": ["openai/gpt-5-mini", "groq/llama-4"], "smart": ["openai/gpt-5"]}}
    assert "fast\topenai/gpt-5-mini, groq/llama-4" in ari("models", "aliases", "list").out
    ari("models", "aliases", "remove", "fast")
    assert ari.json("models", "aliases", "list")["aliases"].keys() == {"smart"}
    assert "No such alias" in ari.refuse("models", "aliases", "remove", "fast")
    assert "provider/model" in ari.refuse("models", "aliases", "set", "fast", "gpt-5")


def test_an_alias_that_was_stored_before_blocks_no_other(ari: Ari) -> None:
    """With a model that lets the provider choose: it is named with the way to remove it, and others are saved."""
    instance = ari.instance()
    with instance.database.writing() as tx:
        tx.ai_rules.save("aliases", AliasRules({"any": ("openrouter/openrouter/auto",)}), "cli:test", tx.now_ms)
    instance.close()
    warning = "The alias “any” names a model that lets the provider choose another."
    ran = ari("models", "aliases", "set", "fast", "openai/gpt-5-mini")
    assert (ran.out, ran.err.startswith(warning)) == ("The alias fast is now openai/gpt-5-mini.\n", True)
    listed = ari("models", "aliases", "list")
    assert listed.err.endswith("Run: ari models aliases remove any\n")
    assert "choose another" in ari.refuse("models", "aliases", "set", "new", "openrouter/openrouter/auto")
    ari("models", "aliases", "remove", "any")
    assert ari("models", "aliases", "list").err == ""


def test_the_models_of_a_key_and_a_consumer_are_set(ari: Ari) -> None:
    """At creation and later; without options, a key may use all."""
    key = ari.json("keys", "create", "a", "--allow-model", "OpenAI/gpt-5*", "--deny-model", "gpt-5-pro")["key"]
    assert key["models"] == {"allow": ["openai/gpt-5*"], "deny": ["gpt-5-pro"]}
    assert "openai/gpt-5* except gpt-5-pro" in ari("keys", "show", key["id"]).out
    assert "these models: all except x." in ari("keys", "models", key["id"], "--deny-model", "x").out
    assert ari.json("keys", "models", key["id"])["models"] is None
    team = ari.json("consumers", "create", "Team", "--allow-model", "openai/*")
    assert team["models"] == {"allow": ["openai/*"], "deny": []}
    assert "openai/*" in ari("consumers", "show", team["id"]).out
    assert ari.json("consumers", "change", team["id"], "--allow-model", "")["models"] is None
