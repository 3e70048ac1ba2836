"""Who sets a hard budget in money is warned that it refuses models without a price, and which those are."""

from pathlib import Path

import pytest

from ari.usage.ports import Batch
from tests.support.usage import KEY, make_ai_use, make_row
from tests.unit.cli.conftest import Ari

WARNING = "Hard budgets in money refuse requests for models without a known price."


def use_models(ari: Ari, *models: str) -> None:
    """Log one request for each."""
    instance = ari.instance()
    for model in models:
        row = make_row(at_ms=instance.now_ms())
        instance.database.usage.commit(Batch([row]))
        use = make_ai_use(row.id, at_ms=row.at_ms, key_id=KEY, provider="openai", model=model)
        instance.database.usage.commit(Batch(completions=[use]))
    instance.database.usage.fold_all()
    instance.close()


@pytest.mark.parametrize(
    "words",
    [
        ("budgets", "set"),
        ("budgets", "set", "--provider", "openai"),
        ("consumers", "create", "Acme"),
        ("keys", "create", "Bot"),
        ("kinds", "add", "team", "team_"),
    ],
)
def test_a_hard_budget_in_money_warns(ari: Ari, words: tuple[str, ...]) -> None:
    """Once it is set; a soft one, and one in tokens, refuse no model for its price."""
    assert ari(*words, "--budget", "5usd/month").err == f"{WARNING}\n"


def test_budgets_that_refuse_none_warn_of_nothing(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soft budgets, budgets in tokens, and an instance that counts such models."""
    assert ari("budgets", "set", "--budget", "5usd/month?", "--budget", "b=9tokens/day").err == ""
    monkeypatch.setenv("ARI_AI_UNKNOWN_PRICE", "15.00")
    assert ari("budgets", "set", "--budget", "5usd/month").err == ""
    assert ari.json("budgets", "list")["refuses_unpriced"] is False


def test_models_of_the_last_30_days_are_named(ari: Ari) -> None:
    """The first five of them; those with a price aren't. Changing a key or a consumer warns as well."""
    use_models(ari, "gpt-5-mini", "own-1", "own-2")
    named = f"{WARNING} Used in the last 30 days: openai/own-1, openai/own-2. Add prices: ari prices set\n"
    key = ari.create("Bot")[0]["id"]
    assert ari("keys", "budgets", "set", key, "--budget", "5usd/day").err == named
    ari("consumers", "create", "Acme", "--external-id", "acme")
    assert ari("consumers", "change", "acme", "--budget", "5usd/day").err == named
    assert ari.json("budgets", "list")["unpriced_models"] == ["openai/own-1", "openai/own-2"]
    use_models(ari, *(f"more-{number}" for number in range(5)))
    assert "and 2 more. Add prices" in ari("budgets", "set", "--budget", "5usd/day").err


def test_a_file_warns_of_the_budgets_that_it_changes(ari: Ari, tmp_path: Path) -> None:
    """Also of a kind of keys; not of one that it leaves as it is, nor of a soft one."""
    budget = '[[kinds.team.budgets]]\nname = "monthly"\namount_usd = "5.00"\nperiod = "month"\n'
    file = tmp_path / "ari.toml"
    file.write_text(f'[kinds.team]\nprefix = "team_"\n{budget}hard = false\n')
    assert WARNING not in ari("apply", str(file), "--yes").err
    file.write_text(f'[kinds.team]\nprefix = "team_"\n{budget}')
    assert WARNING in ari("apply", str(file)).err
    assert WARNING in ari("apply", str(file), "--yes").err
    assert WARNING not in ari("apply", str(file), "--yes").err
