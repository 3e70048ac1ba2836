"""Whatever keeps integrations keeps them like this: in memory, in SQLite and in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.master_key import MasterKeys
from ari.integrations import commands, model
from ari.integrations.credentials import credential
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Integration
from ari.integrations.providers import get_provider
from tests.contract.storage.stores.test_accounts import database_of
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

NOW = 1_764_000_000_000
OPENAI = get_provider("openai")
KEY = "sk-proj-0123456789abcdefABCDEF"
WHOLE = Integration(
    id="int_1",
    provider="openai",
    base_url="http://127.0.0.1:4000",
    base_url_by="usr_1",
    key_choice="by_consumer",
    tested_at_ms=NOW + 1,
    tested=model.TestResult("rejected", "It was refused."),
    failing_since_ms=NOW + 2,
    failing_reason="It was refused.",
)

Begin = Callable[[], AbstractContextManager[commands.BaseUrlTransaction]]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def begin(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Begin]:
    """Begins transactions on each kind of store."""
    if request.param == "memory":
        kept = MemoryIntegrationTransaction(FrozenClock(NOW), MasterKeys(data_dir))
        yield lambda: nullcontext(kept)
        return
    with database_of(request.param, data_dir, request) as opened:
        yield opened.writing


def test_every_field_comes_back(begin: Begin) -> None:
    """The whole row and the empty one; one for each provider, in their order."""
    bare = Integration("int_2", "groq")
    with begin() as unit:
        assert unit.integrations.get("openai") is None
        for row in (WHOLE, bare):
            unit.integrations.save(row)
    with begin() as unit:
        assert unit.integrations.get("openai") == WHOLE
        assert unit.integrations.all() == [bare, WHOLE]
        unit.integrations.save(replace(WHOLE, base_url=None, tested=None, failing_since_ms=None))
        assert unit.integrations.get("openai") == replace(WHOLE, base_url=None, tested=None, failing_since_ms=None)
        unit.integrations.remove("openai")
        unit.integrations.remove("openai")
        assert unit.integrations.all() == [bare]


def test_an_encrypted_key_outlives_its_transaction(begin: Begin, data_dir: Path) -> None:
    """A key encrypted by one transaction opens in another; a change of address deletes it."""
    nothing = ProviderEnvironment()
    with begin() as unit:
        commands.put_key(unit, OPENAI, nothing, KEY)
    with begin() as unit:
        assert credential(unit, OPENAI, nothing).secret == KEY
        commands.set_base_url(unit, OPENAI, "http://127.0.0.1:4000")
    with begin() as unit:
        assert not unit.sealed.all()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_change_of_address_is_whole_or_nothing(kind: str, data_dir: Path, request: pytest.FixtureRequest) -> None:
    """A transaction that fails after it keeps address, key and audit log as they were (security.md 34)."""
    nothing = ProviderEnvironment()

    def fail(unit: Any) -> None:
        commands.set_base_url(unit, OPENAI, "http://127.0.0.1:4000")
        raise RuntimeError("a crash before the commit")

    with database_of(kind, data_dir, request) as database:
        with database.writing() as unit:
            commands.put_key(unit, OPENAI, nothing, KEY)
        with pytest.raises(RuntimeError), database.writing() as unit:
            fail(unit)
        with database.reading() as unit:
            assert credential(unit, OPENAI, nothing).secret == KEY
            assert [event.name for event in unit.events.page("openai", None, 9)] == ["provider_key_added"]
