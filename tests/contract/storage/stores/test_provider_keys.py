"""Whatever keeps provider keys and named upstreams keeps them like this: in memory, in SQLite and in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from ari.base.master_key import MasterKeys
from ari.integrations.model import Integration, ProviderKey
from ari.integrations.model import TestResult as Result
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.upstreams import Upstream
from tests.contract.storage.stores.test_accounts import database_of
from tests.support.clock import FrozenClock
from tests.support.commands import create_key
from tests.support.instances import START_MS, opened
from tests.unit.integrations.memory import MemoryIntegrationTransaction

NOW = 1_764_000_000_000
WHOLE = ProviderKey(
    id="pky_2",
    provider="openai",
    mask="sk-p…CDEF",
    added_at_ms=NOW,
    added_by="usr_1",
    sealed_subject="pky_2",
    label="EU",
    position=1,
    tested_at_ms=NOW + 1,
    tested=Result("rejected", "It was refused."),
    failing_since_ms=NOW + 2,
    failing_reason="It was refused.",
)
BARE = ProviderKey("pky_3", "openai", "…", NOW, "usr_1", "openai")

Begin = Callable[[], AbstractContextManager[IntegrationTransaction]]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def begin(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Begin]:
    """Begins transactions on each kind of store."""
    if request.param == "memory":
        kept = MemoryIntegrationTransaction(FrozenClock(NOW), MasterKeys(data_dir))
        yield lambda: nullcontext(kept)
        return
    with database_of(request.param, data_dir, request) as opened_database:
        yield opened_database.writing


def test_every_field_of_a_key_comes_back(begin: Begin) -> None:
    """In the order of their positions; saving again replaces, and removing one leaves the others."""
    other = replace(BARE, id="pky_1", provider="groq")
    with begin() as unit:
        unit.integrations.save(Integration("int_1", "openai"))
        for key in (WHOLE, BARE, other):
            unit.provider_keys.save(key)
    with begin() as unit:
        assert unit.provider_keys.of("openai") == (BARE, WHOLE)
        assert unit.provider_keys.get("pky_2") == WHOLE
        assert unit.provider_keys.get("pky_9") is None
        unit.provider_keys.save(replace(WHOLE, position=-1, tested=None, tested_at_ms=None, label=""))
        assert [one.id for one in unit.provider_keys.of("openai")] == ["pky_2", "pky_3"]
        unit.provider_keys.remove(WHOLE)
        assert (unit.provider_keys.of("openai"), unit.provider_keys.of("groq")) == ((BARE,), (other,))


def test_upstreams_are_kept_by_name(begin: Begin) -> None:
    """Saving again changes the title only."""
    first, second = Upstream("vllm-b", "vLLM B", NOW, "usr_1"), Upstream("vllm-a", "vLLM A", NOW, "key_1")
    with begin() as unit:
        for one in (first, second):
            unit.upstreams.save(one)
    with begin() as unit:
        assert unit.upstreams.all() == [second, first]
        unit.upstreams.save(replace(first, title="Another"))
        found = unit.upstreams.get("vllm-b")
        assert found is not None
        assert found.title == "Another"
        unit.upstreams.remove("vllm-b")
        assert unit.upstreams.get("vllm-b") is None


def test_its_scopes_come_and_go_with_an_upstream(data_dir: Path, database_url: str | None) -> None:
    """And the active keys that list one are counted, also after it was removed."""
    with opened(data_dir, database_url) as instance:
        with instance.database.writing() as unit:
            unit.upstreams.save(Upstream("vllm-a", "vLLM A", NOW, "usr_1"))
            assert unit.scopes.names() == {"ai:vllm-a", "ai-account:vllm-a"}
        create_key(instance, "App", scopes=("ai:vllm-a",))
        create_key(instance, "Another", scopes=("ai:*",))
        with instance.database.writing() as unit:
            unit.upstreams.remove("vllm-a")
            assert unit.scopes.names() == frozenset()
            assert unit.upstreams.count_keys_with_scopes("vllm-a", START_MS) == 1
            assert unit.upstreams.count_keys_with_scopes("vllm", START_MS) == 0
