"""The migration that stores who named base URLs and who let keys do more fills both from the audit log."""

import importlib.util
from pathlib import Path
from types import ModuleType

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select, text

from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from ari.integrations import commands
from ari.integrations.providers import get_provider
from ari.storage import migrations
from ari.storage.tables import integrations, key_grants
from tests.support.commands import as_caller, change_key, create_key
from tests.support.instances import START_MS, opened

VERSIONS = Path(migrations.__file__).parent / "main" / "versions"
WIDE = ("api:read", "keys:write")


def _migration() -> ModuleType:
    [path] = VERSIONS.glob("*_rights.py")
    spec = importlib.util.spec_from_file_location("migration_of_rights", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _again(instance: Instance) -> None:
    """Take away what the migration made, and run it."""
    with instance.database.main.begin() as connection:
        connection.execute(text("DROP TABLE key_grants"))
        connection.execute(text("ALTER TABLE integrations DROP COLUMN base_url_by"))
        with Operations.context(MigrationContext.configure(connection)):
            _migration().upgrade()


def test_what_keys_and_the_owner_did_before_is_known(data_dir: Path, database_url: str | None) -> None:
    """Grants of keys are found, what they took away is not; the last to name a base URL counts, or nobody."""
    with opened(data_dir, database_url) as instance:
        root = create_key(instance, scopes=WIDE).key
        keys = [create_key(instance, expires="7d", scopes=("api:read",)).key for _ in range(6)]
        widened, extended, enabled, shortened, narrowed, by_owner = keys
        change_key(instance, widened, as_caller(root), scopes=WIDE)
        change_key(instance, extended, as_caller(root), expires_at_ms=None)
        change_key(instance, extended, as_caller(root), expires_at_ms=START_MS + 1_000)
        change_key(instance, enabled, disabled=True)
        change_key(instance, enabled, as_caller(root), disabled=False)
        change_key(instance, shortened, as_caller(root), expires_at_ms=START_MS + 1_000)
        change_key(instance, narrowed, scopes=WIDE)
        change_key(instance, narrowed, as_caller(root), scopes=("api:read",))
        change_key(instance, by_owner, scopes=WIDE)
        with instance.database.writing() as unit:
            for name, actors in (("openai", ["usr_1", root.id]), ("groq", [root.id, "usr_1"]), ("ollama", [])):
                commands.set_base_url(unit, get_provider(name), "http://10.0.0.1")
                for actor in actors:
                    happened = "integration_base_url_changed"
                    unit.events.append(
                        Event(new_id("evt", START_MS), START_MS, happened, actor, name, Origin("api"), {})
                    )
        _again(instance)
        with instance.database.main.connect() as connection:
            grants = {tuple(row) for row in connection.execute(select(key_grants))}
            rows = connection.execute(select(integrations.c.provider, integrations.c.base_url_by))
            named = {row.provider: row.base_url_by for row in rows}
        assert grants == {(root.id, key.id) for key in (widened, extended, enabled)}
        assert named == {"openai": root.id, "groq": "usr_1", "ollama": "system"}
