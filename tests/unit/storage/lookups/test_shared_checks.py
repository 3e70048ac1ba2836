"""Promise 1: the lookups of one event loop ask once whether the keys database changed, and none misses a change."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.model import NO_RULES
from ari.integrations.model import Integration
from ari.storage.engine import KEYS_FILE
from ari.storage.lookups.ai_rules import SqliteAiRulesLookup
from ari.storage.lookups.keys import SqliteKeyLookup
from ari.storage.lookups.providers import SqliteProviderLookup
from tests.support.instances import opened

FAST = AliasRules({"fast": ("openai/gpt-5-mini",)})
URL = "http://127.0.0.1:8000"


class Lookups:
    """Those of a server's event loop, and each statement that they run."""

    def __init__(self, key_lookup: Any, instance: Instance) -> None:
        assert isinstance(key_lookup, SqliteKeyLookup)
        self.keys = key_lookup
        self.rules = instance.open_ai_rules_lookup()
        self.providers = instance.open_provider_lookup()
        assert isinstance(self.rules, SqliteAiRulesLookup)
        assert isinstance(self.providers, SqliteProviderLookup)
        self.statements: list[str] = []
        for one in (key_lookup.keys, key_lookup.scopes, self.rules.rows, self.providers.rows):
            one.trace(self.statements.append)

    async def find(self) -> tuple[Any, Any, Any]:
        """The scopes that are not declared, the rules, and the base URL of a provider."""
        stored = (await self.providers.find("openai")).stored
        undeclared = await self.keys.find_undeclared(["orders:read"])
        return undeclared, (await self.rules.find()).aliases, None if stored.row is None else stored.row.base_url

    async def close(self) -> None:
        for one in (self.keys, self.rules, self.providers):
            await one.close()


def change(instance: Instance) -> None:
    """Declare the scope, and store the rules and the provider's address."""
    Deps(instance).do_sync(keys.declare_scope, "orders:read", "Read orders.")
    with instance.database.writing() as tx:
        tx.ai_rules.save("aliases", FAST, "system", 1)
        tx.integrations.save(Integration("int_1", "openai", URL, "usr_1"))


BEFORE = ({"orders:read"}, NO_RULES.aliases, None)
AFTER = (set[str](), FAST, URL)


def run_on(data_dir: Path, scenario: Callable[[Instance, Lookups], Any]) -> None:
    async def run() -> None:
        with opened(data_dir, None) as instance:
            lookups = Lookups(await instance.database.open_lookup(), instance)
            await lookups.find()
            await asyncio.sleep(0)
            lookups.statements.clear()
            await scenario(instance, lookups)
            await lookups.close()

    asyncio.run(run())


def test_a_turn_of_the_loop_asks_once(data_dir: Path) -> None:
    """Whatever is looked up in it."""

    async def scenario(_: Instance, lookups: Lookups) -> None:
        assert await lookups.find() == BEFORE
        assert await lookups.find() == BEFORE
        assert lookups.statements == ["PRAGMA data_version"]

    run_on(data_dir, scenario)


def test_a_change_by_another_process_counts_for_all_in_the_next_turn(data_dir: Path) -> None:
    """Then nothing is read again until the next one."""

    async def scenario(_: Instance, lookups: Lookups) -> None:
        with opened(data_dir, None) as elsewhere:
            change(elsewhere)
        await asyncio.sleep(0)
        assert await lookups.find() == AFTER
        await asyncio.sleep(0)
        lookups.statements.clear()
        assert await lookups.find() == AFTER
        assert lookups.statements == ["PRAGMA data_version"]

    run_on(data_dir, scenario)


def test_a_change_by_this_process_counts_within_the_turn(data_dir: Path) -> None:
    """The response to the one who made it may be sent before the turn ends."""

    async def scenario(instance: Instance, lookups: Lookups) -> None:
        assert await lookups.find() == BEFORE
        change(instance)
        assert await lookups.find() == AFTER

    run_on(data_dir, scenario)


def test_a_replaced_file_counts_for_all(data_dir: Path, tmp_path: Path) -> None:
    """As after a restore: none goes on with what it read from the old one."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    with opened(other, None) as instance:
        change(instance)
        instance.database.main.dispose()

    async def scenario(_: Instance, lookups: Lookups) -> None:
        assert await lookups.find() == BEFORE
        for suffix in ("-wal", "-shm"):
            (data_dir / f"{KEYS_FILE}{suffix}").unlink(missing_ok=True)
        (other / KEYS_FILE).replace(data_dir / KEYS_FILE)
        await asyncio.sleep(0)
        assert await lookups.find() == AFTER

    run_on(data_dir, scenario)


def test_another_event_loop_asks_for_itself(data_dir: Path) -> None:
    """The turns of a loop that has ended never end."""
    with opened(data_dir, None) as instance:

        async def read() -> Any:
            lookups = Lookups(await instance.database.open_lookup(), instance)
            return lookups, await lookups.find()

        async def read_alone() -> Any:
            rules = instance.open_ai_rules_lookup()
            return (await rules.find()).aliases

        _, found = asyncio.run(read())
        assert found == BEFORE
        change(instance)
        assert asyncio.run(read_alone()) == FAST
        _, found = asyncio.run(read())
        assert found == AFTER
