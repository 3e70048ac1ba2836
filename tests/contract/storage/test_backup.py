"""Backup and restore: from either database into either, whole or not at all."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, text

from ari import keys
from ari.accounts import setup
from ari.backups import backup_lineage
from ari.base import owner_mark
from ari.base.caller import SYSTEM
from ari.base.clock import HOUR_MS
from ari.base.errors import Conflict, Invalid, Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import Created, KeyChange
from ari.keys.commands.enable_restored import enable_restored, find_restored
from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.limits.rules import Credits, LimitRules
from ari.keys.restored_keys import remember_restored
from ari.storage.backup.archive import Manifest, Reader, Writer
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.backup.write import LOG_TABLES, MAIN_TABLES, write_backup
from ari.storage.checkup import check_audit_log
from ari.storage.engine import KEYS_FILE, Database
from ari.storage.migrate import LOG, MAIN
from ari.usage.ports import Batch
from tests.support.backups import (
    MASTER_KEY,
    back_up,
    contents_of,
    count_rows,
    create_key,
    fill,
    ignore_progress,
    restore,
    usage_row,
)
from tests.support.instances import START_MS, opened, settings_for

Make = Any


_opened = partial(opened, master_key=MASTER_KEY)


@pytest.fixture
def source(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with _opened(data_dir, database_url) as instance:
        yield instance


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


def test_everything_comes_back_in_either_database(source: Instance, target_url: str | None, tmp_path: Path) -> None:
    """With --trust-keys the rows are the same; sessions, devices and the setup token stay behind."""
    fill(source)
    body, written = back_up(source)
    assert (written.keys, written.usage_rows) == (6, 30)
    restored = restore(tmp_path / "new", target_url, body, trust_keys=True)
    assert restored.keys_disabled == 0
    with _opened(tmp_path / "new", target_url) as target:
        before, after = contents_of(source), contents_of(target)
        event = after["events"].pop()
        assert event["name"] == "backup_restored"
        assert json.loads(event["detail"])["keys"] == 6
        before["notes"] = [note for note in before["notes"] if note["name"] != "setup_token"]
        for name in (
            "notices_read",
            "webhooks_read",
            backup_lineage.EVENT_KEY,
        ):  # nobody is notified of what was before
            after["notes"].remove({"name": name, "value": event["id"]})
        lineages = [note for note in after["notes"] if note["name"] == backup_lineage.KEY]
        assert [note["value"][:4] for note in lineages] == ["res_"]  # its backups have names of their own
        after["notes"].remove(lineages[0])
        for found in (before, after):
            assert [mark["name"] for mark in found.pop("audit_marks")] == ["head"]
        assert after == before
        assert [count_rows(target, name) for name in ("sessions", "devices", "sign_in_attempts")] == [0, 0, 0]
        assert check_audit_log(target.database).is_whole
        assert json.loads(event["detail"])["trusted"] is True
        assert owner_mark.is_set(tmp_path / "new")
        assert target.database.usage.totals([before["usage_totals"][0]["key_id"]])


def test_the_setup_note_is_the_one_left_out(source: Instance) -> None:
    """The name of the passing note is that of accounts.setup, so its digest is in no backup."""
    with source.database.writing() as unit:
        setup.new_setup_token(unit)
        assert unit.key_value.get("setup_token") is not None
    assert b"setup_token" not in b"".join(json.dumps(row).encode() for _, row in _rows(back_up(source)[0]))


def _rows(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    rows = list(Reader(io.BytesIO(body)).rows())
    return [(name, {field: str(value) for field, value in row.items()}) for name, row in rows]


def test_restored_keys_come_back_disabled(source: Instance, target_url: str | None, tmp_path: Path) -> None:
    """A backup may be older than a revoke: living keys wait for a look; dead ones stay dead."""
    made = fill(source)
    body, _ = back_up(source)
    restored = restore(tmp_path / "new", target_url, body, now_ms=START_MS + HOUR_MS)
    assert restored.keys_disabled == 2
    with _opened(tmp_path / "new", target_url) as target:

        def status(name: str) -> str:
            key = Deps(target).read_sync(lambda unit: unit.keys.tombstone(made[name].key.id))
            assert key is not None
            return key.status(target.now_ms())

        # the clock of this instance is before the expiry: a key that was seen expired stays so
        found = {name: status(name) for name in made}
    assert found == {
        "living": "disabled",
        "日本 \U0001f511": "disabled",
        "disabled": "disabled",
        "revoked": "revoked",
        "deleted": "revoked",
        "hour": "expired",
    }


def test_keys_that_wait_for_a_review_wait_in_the_next_backup_too(
    source: Instance, target_url: str | None, tmp_path: Path
) -> None:
    """One made before they are enabled keeps the list, without those that someone disabled since."""
    waits, off, new = (create_key(source, name).key.id for name in ("waits", "off", "new"))
    with source.database.writing() as unit:
        for key_id in (waits, off):
            keys.change(unit, key_id, KeyChange(disabled=True))
        remember_restored(unit.key_value, [waits, off], "2020-01-15T03:00:00.000Z")
        keys.change(unit, off, KeyChange(disabled=True))
    body, _ = back_up(source)
    restore(tmp_path / "new", target_url, body)
    with _opened(tmp_path / "new", target_url) as target:
        waiting = Deps(target).read_sync(find_restored)
        assert waiting is not None
        assert waiting.written_at == "2020-01-15T03:00:00.000Z"
        assert {key.id for key in Deps(target).do_sync(enable_restored).enabled} == {waits, new}


def test_a_filled_instance_is_not_replaced_by_mistake(source: Instance, target_url: str | None, tmp_path: Path) -> None:
    """Only --force replaces, and then nothing of the old instance remains."""
    fill(source)
    body, _ = back_up(source)
    with _opened(tmp_path / "old", target_url) as old:
        kept = create_key(old, "kept")
    with pytest.raises(Conflict, match="isn't empty"):
        restore(tmp_path / "old", target_url, body)
    with _opened(tmp_path / "old", target_url) as old:
        assert Deps(old).read_sync(keys.get, kept.key.id).name == "kept"
    restore(tmp_path / "old", target_url, body, replace=True)
    with _opened(tmp_path / "old", target_url) as old:
        assert Deps(old).read_sync(lambda unit: unit.keys.tombstone(kept.key.id)) is None
        assert count_rows(old, "api_keys") == 6
        with pytest.raises(Exception, match="events are never changed"), old.database.main.begin() as connection:
            connection.execute(text("DELETE FROM events"))


def test_nothing_is_replaced_while_somebody_uses_it(source: Instance, target_url: str | None, tmp_path: Path) -> None:
    """A process that has the instance open would go on with the old one."""
    fill(source)
    body, _ = back_up(source)
    with _opened(tmp_path / "old", target_url) as running:
        Deps(running).read_sync(lambda unit: unit.key_value.get("x"))
        with pytest.raises(Conflict, match="ARI is running"):
            restore(tmp_path / "old", target_url, body, replace=True)
    restore(tmp_path / "old", target_url, body, replace=True)


def _change_rows(body: bytes, change: Any) -> bytes:
    """The same backup with its rows changed and sound checksums."""
    reader = Reader(io.BytesIO(body))
    rows = [change(name, row) for name, row in reader.rows()]
    assert reader.manifest is not None
    file = io.BytesIO()
    manifest = replace(reader.manifest, tables={})
    writer = Writer(file, manifest, 1)
    for table in reader.manifest.tables:
        list(writer.add(table, [found[1] for found in rows if found is not None and found[0] == table]))
    writer.close()
    return file.getvalue()


def _forge_event(name: str, row: dict[str, Any]) -> Any:
    return name, {**row, "actor": "cli:innocent"} if name == "events" else row


def _drop_event(name: str, row: dict[str, Any]) -> Any:
    return None if name == "events" and "key_disabled" in row["name"] else (name, row)


def _add_column(name: str, row: dict[str, Any]) -> Any:
    return name, {**row, "is_admin": True} if name == "accounts" else row


def _repeat_key(name: str, row: dict[str, Any]) -> Any:
    return name, {**row, "id": "key_same"} if name == "api_keys" else row


def _digest_as_number(name: str, row: dict[str, Any]) -> Any:
    return name, {**row, "digest": None} if name == "key_secrets" else row


@pytest.mark.parametrize("change", [_forge_event, _drop_event, _add_column, _repeat_key, _digest_as_number])
def test_a_backup_that_lies_changes_nothing(
    source: Instance, target_url: str | None, tmp_path: Path, change: Any
) -> None:
    """Checksums may be right and the content wrong: a forged audit log, strange columns, keys twice."""
    fill(source)
    body = _change_rows(back_up(source)[0], change)
    with pytest.raises(Invalid, match="isn't a complete ARI backup"):
        restore(tmp_path / "new", target_url, body, untrusted=True)
    if target_url is None:
        assert not (tmp_path / "new" / KEYS_FILE).exists()
        return
    with _opened(tmp_path / "new", target_url) as target:
        assert not any(contents_of(target).values())


def test_another_schema_is_refused_with_the_way_out(source: Instance, tmp_path: Path) -> None:
    """The sentence names the version that can read it."""
    file = io.BytesIO()
    writer = Writer(file, Manifest("7.5", "2027-01-15T08:00:00.000Z", "sqlite", {"main": "0099", "log": "0001"}), 1)
    for table in (*MAIN_TABLES, *LOG_TABLES):
        list(writer.add(table.name, []))
    writer.close()
    with pytest.raises(Invalid, match=r"written by ARI 7\.5, whose tables are different\. Upgrade ARI"):
        restore(tmp_path / "new", None, file.getvalue())


def test_a_backup_is_one_moment_while_others_write(source: Instance) -> None:
    """Writes during the backup don't wait and are not in it."""
    fill(source)

    file = io.BytesIO()
    made: list[Created] = []

    def write_between(table: str, done: int, total: int) -> None:
        if not made:
            made.append(create_key(source, "meanwhile"))
            source.database.usage.commit(Batch([usage_row(source, made[0], 99)]))

    written = write_backup(source.database, file, source.now_ms(), write_between)
    assert made
    assert (written.keys, written.usage_rows) == (6, 30)
    assert not any(row.get("name") == "meanwhile" for _, row in _rows(file.getvalue()))
    assert back_up(source)[1].keys == 7


class _FullDisk(io.BytesIO):
    def write(self, _body: Any) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_a_plain_sentence(source: Instance) -> None:
    """The backup's own disk is named, not the database's."""
    fill(source)
    with pytest.raises(Unavailable, match="Can't write the backup: No space left on device"):
        write_backup(source.database, _FullDisk(), source.now_ms(), ignore_progress)


def test_every_table_is_kept_or_left_out_on_purpose() -> None:
    """A new table must be decided about."""
    kept = {table.name for table in (*MAIN_TABLES, *LOG_TABLES)}
    left_out = {"sessions", "devices", "sign_in_attempts", "half_sign_ins", "usage_folds", "notices"}
    left_out |= {
        "budget_warnings",
        "mail_links",
        "key_mark",
        "idempotent_responses",
        "database_history",
        "event_counts",
        "webhook_deliveries",
    }
    metadata: list[MetaData] = [MAIN.metadata, LOG.metadata]
    assert {name for one in metadata for name in one.tables} == kept | left_out


def test_a_damaged_target_is_restored_over_with_force(source: Instance, tmp_path: Path) -> None:
    """The day a backup is for: the old file is broken."""
    fill(source)
    body, _ = back_up(source)
    with _opened(tmp_path / "old", None):
        pass
    (tmp_path / "old" / KEYS_FILE).write_bytes(b"\xff" * 8192)
    with pytest.raises(Conflict, match="isn't empty"):
        restore(tmp_path / "old", None, body)
    restore(tmp_path / "old", None, body, replace=True)
    with _opened(tmp_path / "old", None) as target:
        assert count_rows(target, "api_keys") == 6


def test_an_interrupted_restore_leaves_the_old_instance(
    source: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault half-way changes nothing and leaves no litter."""
    fill(source)
    body, _ = back_up(source)
    with _opened(tmp_path / "old", None) as old:
        kept = create_key(old, "kept")
    before = sorted(path.name for path in (tmp_path / "old").iterdir())

    def break_off(table: str, done: int, total: int) -> None:
        if table == "usage_log" and done:
            raise KeyboardInterrupt

    settings = settings_for(tmp_path / "old", None, master_key=MASTER_KEY)
    with pytest.raises(KeyboardInterrupt):
        restore_backup(settings, io.BytesIO(body), Terms(replace=True), SYSTEM, START_MS, break_off)
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == before
    database = Database.open(settings)
    with database.reading() as unit:
        assert keys.get(unit, kept.key.id).name == "kept"
    database.close()


def test_limits_go_on_where_the_backup_was(source: Instance, target_url: str | None, tmp_path: Path) -> None:
    """Credits that were consumed are consumed on the restored instance, in either database."""
    owner = RuleOwner("key_1", LimitRules(1, (), Credits(100)))
    row = usage_row(source, create_key(source, "k"), 1)
    row.charge = Charge((owner,), units=6)
    source.database.usage.commit(Batch([row]))
    body, _ = back_up(source)
    restore(tmp_path / "new", target_url, body)
    with _opened(tmp_path / "new", target_url) as target:
        [left] = target.database.usage.read_remaining([owner])
        assert (left.name, left.remaining) == ("credits", 94)
