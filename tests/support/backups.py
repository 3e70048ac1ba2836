"""An instance to back up, and helpers that back it up and restore it."""

import io
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from ari import keys
from ari.accounts.model import Account, Session
from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import Created, KeyChange, NewKey
from ari.storage.backup.restore import Restored, Terms, restore_backup
from ari.storage.backup.write import LOG_TABLES, MAIN_TABLES, Written, columns_of, write_backup
from ari.usage.model import Attempt, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, settings_for

MASTER_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def ignore_progress(_table: str, _done: int, _total: int) -> None:
    pass


def create_key(instance: Instance, name: str, **more: Any) -> Created:
    new = NewKey(name, **more)
    return Deps(instance).do_sync(keys.create, new)


def fill(instance: Instance) -> dict[str, Created]:
    """An instance with every kind of key, an owner who is signed in, and a usage log."""
    made = {
        name: create_key(instance, name) for name in ("living", "disabled", "revoked", "deleted", "日本 \U0001f511")
    }
    made["hour"] = create_key(instance, "hour", expires="1h")
    Deps(instance).do_sync(keys.change, made["disabled"].key.id, KeyChange(disabled=True))
    for name in ("revoked", "deleted"):
        Deps(instance).do_sync(keys.revoke, made[name].key.id, "why")
    Deps(instance).do_sync(keys.delete, made["deleted"].key.id)
    with instance.database.writing() as unit:
        now_ms = instance.now_ms()
        unit.accounts.add_owner(Account("usr_1", "owner@example.org", "hash", now_ms))
        unit.accounts.add_session(Session(b"s" * 32, "usr_1", now_ms, now_ms + DAY_MS, None, None, now_ms))
        unit.accounts.keep_device(b"d" * 32, "usr_1", now_ms + DAY_MS)
        unit.key_value.put("had_owner", "1")
        unit.key_value.put("setup_token", "digest 1")
    rows = [usage_row(instance, made["living"], number) for number in range(30)]
    instance.database.usage.commit(Batch(rows, [], [Attempt(now_ms // 60_000 * 60_000, "unknown", "192.0.2.1", 2)]))
    return made


def usage_row(instance: Instance, key: Created, number: int) -> UsageRow:
    at_ms = instance.now_ms() + number
    return UsageRow(
        new_id("req", at_ms), at_ms, "r", key.key.id, key.key.hint, "ok", "GET", "/x", "/x", None, "ü", 200, 1.5, 7
    )


def back_up(instance: Instance) -> tuple[bytes, Written]:
    file = io.BytesIO()
    written = write_backup(instance.database, file, instance.now_ms(), ignore_progress)
    return file.getvalue(), written


def restore(folder: Path, url: str | None, body: bytes, now_ms: int = START_MS, **terms: bool) -> Restored:
    folder.mkdir(mode=0o700, exist_ok=True)
    return restore_backup(
        settings_for(folder, url, master_key=MASTER_KEY),
        io.BytesIO(body),
        Terms(**terms),
        SYSTEM,
        now_ms,
        ignore_progress,
    )


def contents_of(instance: Instance) -> dict[str, list[dict[str, Any]]]:
    """Every row that a backup keeps."""
    found = {}
    for engine, tables in ((instance.database.main, MAIN_TABLES), (instance.database.log, LOG_TABLES)):
        with engine.connect() as connection:
            for table in tables:
                query = select(*columns_of(table)).order_by(*table.primary_key.columns)
                found[table.name] = [dict(row) for row in connection.execute(query).mappings()]
    return found


def count_rows(instance: Instance, table: str) -> int:
    with instance.database.main.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
