"""Reads of the rules for AI requests: a change counts for the next request."""

import asyncio

import pytest

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.model import NO_RULES
from ari.storage.engine import KEYS_FILE

FAST = AliasRules({"fast": ("openai/gpt-5-mini",)})


def test_a_change_counts_for_the_next_request(instance: Instance) -> None:
    """And what did not change is not decoded again, even after another commit."""

    async def run() -> None:
        lookup = instance.open_ai_rules_lookup()
        assert await lookup.find() == NO_RULES
        with instance.database.writing() as tx:
            tx.ai_rules.save("aliases", FAST, "system", 1)
        found = await lookup.find()
        assert found.aliases == FAST
        with instance.database.writing() as tx:
            tx.key_value.put("other", "value")
        assert await lookup.find() is found
        with instance.database.writing() as tx:
            tx.ai_rules.save("aliases", AliasRules(), "system", 1)
        assert await lookup.find() == NO_RULES
        await lookup.close()

    asyncio.run(run())


def test_a_missing_file_is_an_error(instance: Instance) -> None:
    """Not an instance without rules: then budgets would not count."""

    async def run() -> None:
        lookup = instance.open_ai_rules_lookup()
        (instance.settings.data_dir / KEYS_FILE).unlink()
        with pytest.raises(Unavailable):
            await lookup.find()
        await lookup.close()

    asyncio.run(run())
