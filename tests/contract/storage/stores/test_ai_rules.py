"""The rules for AI requests are stored part by part, and the gateway's lookup reads the same, on both databases."""

import asyncio
from pathlib import Path

from ari.instance import Instance
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.model import NO_RULES, AiRules
from tests.support.instances import opened

FAST = AliasRules({"fast": ("openai/gpt-5-mini", "openai/gpt-5-nano")})


def test_a_part_is_stored_and_read(data_dir: Path, database_url: str | None) -> None:
    """An empty part is the same as none."""

    async def run(instance: Instance) -> None:
        lookup = instance.open_ai_rules_lookup()
        for part, rules in ((FAST, AiRules(aliases=FAST)), (AliasRules(), NO_RULES)):
            with instance.database.writing() as tx:
                tx.ai_rules.save("aliases", part, "system", 1)
            with instance.database.reading() as tx:
                assert tx.ai_rules.get() == rules
            assert await lookup.find() == rules
        await lookup.close()

    with opened(data_dir, database_url) as found:
        asyncio.run(run(found))
