"""Restoring a backup: which keys live on, and what is refused before anything is changed."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari.accounts.model import Account
from ari.base.caller import SYSTEM
from ari.base.errors import Invalid
from ari.base.signing import present_keys
from ari.instance import Instance
from ari.storage.backup.archive import Manifest, Reader, Row, Writer
from ari.storage.backup.restore import Restored, Terms, restore_backup, verify_backup
from ari.storage.backup.signature import SignedFile, SigningFile
from ari.storage.backup.write import write_backup
from ari.storage.engine import KEYS_FILE
from ari.storage.migrate import LOG, MAIN
from tests.support.commands import change_key, create_key, revoke_key
from tests.support.instances import START_MS, opened, settings_for

UNTRUSTED = Terms(untrusted=True)


@pytest.fixture
def body(instance: Instance) -> bytes:
    """The backup of an instance with a living, a disabled and a revoked key."""
    create_key(instance, "living", expires="7d")
    change_key(instance, create_key(instance, "disabled").key, disabled=True)
    revoke_key(instance, create_key(instance, "revoked").key)
    file = io.BytesIO()
    write_backup(instance.database, file, instance.now_ms(), lambda *_: None)
    return file.getvalue()


def _restore(folder: Path, body: bytes, terms: Terms = UNTRUSTED, now_ms: int = START_MS) -> Restored:
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = settings_for(folder, None)
    return restore_backup(settings, io.BytesIO(body), terms, SYSTEM, now_ms, lambda *_: None)


def _rewrite(body: bytes, change: Callable[[str, Row], Row], manifest: Callable[[Manifest], Manifest]) -> bytes:
    """The same backup with other rows, without a signature."""
    reader, file = Reader(SignedFile(io.BytesIO(body))), io.BytesIO()
    tables: dict[str, list[Row]] = {}
    for name, row in reader.rows():
        tables.setdefault(name, []).append(change(name, dict(row)))
    assert reader.manifest is not None
    writer = Writer(file, manifest(replace(reader.manifest, tables={})), 1)
    for name in reader.manifest.tables:
        list(writer.add(name, tables.get(name, [])))
    writer.close()
    return file.getvalue()


def _same(_table: str, row: Row) -> Row:
    return row


def _forge(table: str, row: Row) -> Row:
    return {**row, "actor": "nobody"} if table == "events" else row


def _retype(table: str, row: Row) -> Row:
    return {**row, "disabled": "no"} if table == "api_keys" else row


def _widen(table: str, row: Row) -> Row:
    return {**row, "more": 1} if table == "api_keys" else row


@pytest.mark.parametrize(
    ("change", "why"), [(_forge, "broken at event"), (_retype, "isn't valid"), (_widen, "tables don't belong")]
)
def test_a_backup_that_lies_is_refused(
    tmp_path: Path, body: bytes, change: Callable[[str, Row], Row], why: str
) -> None:
    """Also where it is not to be trusted: nothing is written."""
    with pytest.raises(Invalid, match=why):
        _restore(tmp_path / "new", _rewrite(body, change, lambda manifest: manifest))
    assert not (tmp_path / "new" / KEYS_FILE).exists()


def _verify(instance: Instance, body: bytes) -> Manifest:
    return verify_backup(SignedFile(io.BytesIO(body)), instance.master_keys, lambda *_: None)


def _sign(instance: Instance, body: bytes) -> bytes:
    file = io.BytesIO()
    signing = SigningFile(file)
    signing.write(body)
    signing.sign(present_keys(instance.master_keys)[0], "ins_" + "1" * 26)
    return file.getvalue()


def test_another_schema_names_the_version_that_restores_it(instance: Instance, body: bytes) -> None:
    """So that an operator knows what to install, also where columns were added or changed since."""
    before = {"main": MAIN.revisions[0], "log": LOG.revisions[0]}
    for change in (_same, _widen, _retype):
        old = _rewrite(body, change, lambda one: replace(one, version="0.0.1", migrations=before))
        with pytest.raises(Invalid, match=r"written by ARI 0\.0\.1, .* Restore it with that version, then upgrade\."):
            _verify(instance, _sign(instance, old))
    newer = _rewrite(body, _widen, lambda one: replace(one, version="9.0.0", migrations=before | {"log": "9999"}))
    with pytest.raises(Invalid, match=r"written by ARI 9\.0\.0, .* Upgrade ARI, then restore it\."):
        _verify(instance, _sign(instance, newer))
    same = _rewrite(body, _same, lambda one: one)
    assert _verify(instance, same).migrations.keys() == {"main", "log"}


@pytest.mark.parametrize("change", [_widen, _retype])
def test_an_untrusted_file_is_read_to_its_first_bad_row(
    instance: Instance, body: bytes, change: Callable[[str, Row], Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its author could have the rest take any time. One with the name of a signer here is no better."""
    seen: list[str] = []

    def note(self: Reader) -> Iterator[tuple[str, Row]]:
        for table, row in rows(self):
            seen.append(table)
            yield table, row

    rows = Reader.rows
    monkeypatch.setattr(Reader, "rows", note)
    bad = _rewrite(body, change, lambda one: replace(one, version="0.0.1"))
    forged = _sign(instance, bad)[:-30] + bytes(12) + _sign(instance, bad)[-18:]
    for one in (bad, forged):
        seen.clear()
        with pytest.raises(Invalid, match=r"in this version of ARI|belong to this version of ARI"):
            _verify(instance, one)
        assert seen.count("api_keys") == 1
        assert seen[-1] == "api_keys"


def test_what_nobody_here_signed_needs_a_word(tmp_path: Path, body: bytes) -> None:
    """And cannot leave its keys enabled at the same time."""
    with pytest.raises(Invalid, match="--untrusted"):
        _restore(tmp_path / "new", body, Terms())
    with pytest.raises(Invalid, match="can't be kept enabled"):
        _restore(tmp_path / "new", body, Terms(untrusted=True, trust_keys=True))
    assert not (tmp_path / "new" / KEYS_FILE).exists()


def test_an_untrusted_file_brings_no_passing_notes(tmp_path: Path, body: bytes) -> None:
    """Its author would otherwise choose the setup link, the state of backups, or the keys that are enabled together."""
    reader, file = Reader(SignedFile(io.BytesIO(body))), io.BytesIO()
    tables: dict[str, list[Row]] = {}
    for name, row in reader.rows():
        tables.setdefault(name, []).append(row)
    assert reader.manifest is not None
    forged = ("setup_token", "backup", "backup_lineage", "restored_keys", "restored_keys_0")
    tables["notes"] = [{"name": name, "value": "forged"} for name in forged]
    writer = Writer(file, replace(reader.manifest, tables={}), 1)
    for name in reader.manifest.tables:
        list(writer.add(name, tables.get(name, [])))
    writer.close()
    restored = _restore(tmp_path / "new", file.getvalue())
    assert restored.rows.get("notes", 0) == 0
    with opened(tmp_path / "new", None) as instance, instance.database.reading() as tx:
        assert [tx.key_value.get(name) for name in forged if tx.key_value.get(name) == "forged"] == []


def test_backup_codes_do_not_come_back(tmp_path: Path, instance: Instance) -> None:
    """One that was used after the backup would sign someone in again."""
    with instance.database.writing() as tx:
        tx.accounts.add_owner(Account("usr_1", "owner@example.org", "hash", START_MS))
        tx.second_step.replace_backup_codes("usr_1", [b"a" * 32, b"b" * 32], START_MS)
        assert tx.second_step.count_backup_codes("usr_1") == 2
    file = io.BytesIO()
    write_backup(instance.database, file, instance.now_ms(), lambda *_: None)
    assert _restore(tmp_path / "new", file.getvalue()).codes_voided == 2
    with opened(tmp_path / "new", None) as restored, restored.database.reading() as tx:
        assert tx.second_step.count_backup_codes("usr_1") == 0


def test_living_keys_come_back_disabled(tmp_path: Path, body: bytes) -> None:
    """A key that was revoked after the backup must not live again; their number is shown and recorded."""
    restored = _restore(tmp_path / "new", body)
    assert (restored.keys_disabled, restored.is_trusted) == (1, False)
    with opened(tmp_path / "new", None) as instance, instance.database.reading() as unit:
        keys = {key.name: key for key in unit.keys.page(START_MS, "all", None, 9)}
        [event] = unit.events.page(None, None, 1)
        assert not unit.feed.has_unread()
    assert {name: key.status(START_MS) for name, key in keys.items()} == {
        "living": "disabled",
        "disabled": "disabled",
        "revoked": "revoked",
    }
    assert (event.name, event.detail["keys"], event.detail["keys_disabled"]) == ("backup_restored", 3, 1)
    assert event.detail["trusted"] is False


def test_a_key_that_expired_since_is_stamped(tmp_path: Path, body: bytes) -> None:
    """A clock set back afterwards does not revive it."""
    restored = _restore(tmp_path / "new", body, now_ms=START_MS + 8 * 86_400_000)
    assert restored.keys_disabled == 0
    with opened(tmp_path / "new", None) as instance, instance.database.reading() as unit:
        assert {key.name: key.status(START_MS) for key in unit.keys.page(0, "all", None, 9)}["living"] == "expired"
