"""The migration that makes room for several keys of one provider loses none: each stored one is the first of a pool."""

from pathlib import Path

from ari.base import seal
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands, health
from ari.integrations.credentials import KIND, context_of, credential, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import ProviderKey
from ari.integrations.model import TestResult as Result
from ari.integrations.pool import add_key
from ari.integrations.providers import get_provider
from ari.storage import migrate as migrations
from tests.support.instances import opened
from tests.support.old_schema import separate_provider_keys

OPENAI, GROQ, OLLAMA = (get_provider(name) for name in ("openai", "groq", "ollama"))
KEY = "sk-proj-0123456789abcdefABCDEF"
NOTHING = ProviderEnvironment()


def _store_as_before(instance: Instance) -> None:
    """A key whose encrypted secret is stored under the provider's name, as before migration 0017."""
    deps = Deps(instance)
    made = deps.do_sync(commands.put_key, OPENAI, NOTHING, KEY)
    with instance.database.writing() as unit:
        row = unit.integrations.get("openai")
        assert row is not None
        unit.provider_keys.remove(made)
        unit.sealed.drop(KIND, made.id)
        old = ProviderKey(row.id, "openai", made.mask, made.added_at_ms, made.added_by, sealed_subject="openai")
        seal.keep(unit.sealed, instance.master_keys, context_of(old, "https://api.openai.com"), KEY.encode())
        unit.provider_keys.save(old)


def test_a_stored_key_is_the_first_of_its_pool(data_dir: Path, database_url: str | None) -> None:
    """It opens, with its mask, test and failure; a provider without a key keeps its own; more keys come after it."""
    with opened(data_dir, database_url) as instance:
        deps = Deps(instance)
        _store_as_before(instance)
        used = deps.read_sync(credential, OPENAI, NOTHING)
        deps.do_sync(health.record_test, used, Result("rejected", "OpenAI rejected the key: it returned status 401."))
        deps.do_sync(commands.set_base_url, OLLAMA, "http://127.0.0.1:11434")
        keyless = deps.read_sync(credential, OLLAMA, NOTHING)
        deps.do_sync(health.record_unreachable, keyless, "It is down.", None)
        before = [deps.read_sync(state, provider, NOTHING) for provider in (OPENAI, GROQ, OLLAMA)]
        with instance.database.main.begin() as connection:
            separate_provider_keys(connection)
        assert migrations.migrate(instance.database) == ["main 0017", "main 0018", "main 0019"]
        assert [deps.read_sync(state, provider, NOTHING) for provider in (OPENAI, GROQ, OLLAMA)] == before
        assert before[0].name == before[2].name == "failing"
        assert deps.read_sync(credential, OPENAI, NOTHING).secret == KEY
        added = deps.do_sync(add_key, OPENAI, NOTHING, KEY[:-1] + "G", "second")
        assert [one.id for one in deps.read_sync(state, OPENAI, NOTHING).keys] == [used.key_id, added.id]
        deps.do_sync(commands.put_key, OPENAI, NOTHING, KEY[:-1] + "H")
        assert deps.read_sync(credential, OPENAI, NOTHING).secret == KEY[:-1] + "H"
