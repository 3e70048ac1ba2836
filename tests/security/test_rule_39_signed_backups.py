"""Rule 39: a backup that anybody changed is refused; what nobody vouches for comes back with every key disabled."""

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ari.base.caller import SYSTEM
from ari.base.clock import HOUR_MS
from ari.base.errors import Invalid
from ari.base.master_key import MasterKeys, keys_of
from ari.base.signing import fingerprint_of
from ari.deps import Deps
from ari.instance import Instance
from ari.storage.backup import restore
from ari.storage.backup.archive import Reader, Writer
from ari.storage.backup.restore import Restored, Terms, restore_backup
from ari.storage.backup.restore_into import into_sqlite
from ari.storage.backup.signature import LENGTH, SignedFile, SigningFile
from ari.storage.backup.write import Progress, write_backup
from ari.storage.checkup import check_audit_log
from ari.storage.engine import KEYS_FILE
from tests.support.audit_log import create
from tests.support.instances import START_MS, opened, settings_for

MASTER_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
OTHER_KEY = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
UNTRUSTED = Terms(untrusted=True)


@pytest.fixture
def source(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None, master_key=MASTER_KEY) as instance:
        for name in ("living", "other"):
            create(instance, name)
        yield instance


@pytest.fixture
def body(source: Instance) -> bytes:
    file = io.BytesIO()
    written = write_backup(source.database, file, source.now_ms(), lambda *_: None)
    assert written.signed_by == fingerprint_of(keys_of(MASTER_KEY, "x")[0])
    return file.getvalue()


def _restore(
    folder: Path, body: bytes, terms: Terms = Terms(), key: str | None = MASTER_KEY, url: str | None = None
) -> Restored:
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = settings_for(folder, url, master_key=key)
    return restore_backup(settings, io.BytesIO(body), terms, SYSTEM, START_MS + HOUR_MS, lambda *_: None)


def _refusal(folder: Path, body: bytes, key: str | None = MASTER_KEY) -> str:
    with pytest.raises(Invalid) as refused:
        _restore(folder, body, key=key)
    assert not (folder / KEYS_FILE).exists()
    return str(refused.value)


def test_any_changed_byte_is_refused(body: bytes, tmp_path: Path) -> None:
    """Wherever it is: in the heads of gzip and tar, in the rows, in the signature."""
    seeded = random.Random(51)
    end = len(body) - LENGTH
    places = {
        *range(10),
        *seeded.sample(range(end), 30),
        *range(end, end + 12),
        *seeded.sample(range(end, end + LENGTH), 20),
    }
    for place in places:
        changed = bytearray(body)
        changed[place] ^= 1 << seeded.randrange(8)
        assert "Nothing was changed" in _refusal(tmp_path / "new", bytes(changed)), place


def test_any_other_length_is_refused(body: bytes, tmp_path: Path) -> None:
    """Cut short, without its signature, with something in front or behind, twice."""
    cut = [body[:end] for end in (0, 1, 20, len(body) // 2, len(body) - LENGTH, len(body) - 1)]
    for other in (*cut, body + b"\0", body + body, b"\0" + body, body[:-LENGTH] + b"\0" + body[-LENGTH:]):
        assert "Nothing was changed" in _refusal(tmp_path / "new", other)


def _rewritten(body: bytes, change: Callable[[list[tuple[str, dict[str, object]]]], None]) -> bytes:
    """The backup with other rows and sound checksums, and the signature that it had."""
    reader = Reader(SignedFile(io.BytesIO(body)))
    rows = list(reader.rows())
    assert reader.manifest is not None
    change(rows)
    manifest, file = reader.manifest, io.BytesIO()
    names, manifest.tables = list(manifest.tables), {}
    writer = Writer(file, manifest, 1)
    for table in names:
        list(writer.add(table, [row for name, row in rows if name == table]))
    writer.close()
    return file.getvalue() + body[-LENGTH:]


def _plant(rows: list[tuple[str, dict[str, object]]]) -> None:
    """A key that claims to be deleted and is neither revoked nor expired."""
    key = next(row for name, row in rows if name == "api_keys")
    secret = next(row for name, row in rows if name == "key_secrets")
    rows.append(("key_secrets", {**secret, "digest": b"d" * 32, "key_id": "key_PLANTED"}))
    rows.append(("api_keys", {**key, "id": "key_PLANTED", "scopes": "*", "deleted_at_ms": 1}))


def _reorder(rows: list[tuple[str, dict[str, object]]]) -> None:
    rows.reverse()


def _widen(rows: list[tuple[str, dict[str, object]]]) -> None:
    for name, row in rows:
        if name == "api_keys":
            row["scopes"] = "*"


def _shorten_twice(rows: list[tuple[str, dict[str, object]]]) -> None:
    for _ in range(2):
        _shorten(rows)


def _shorten(rows: list[tuple[str, dict[str, object]]]) -> None:
    rows.remove([found for found in rows if found[0] == "events"][-1])


@pytest.mark.parametrize("change", [_plant, _reorder, _widen, _shorten, list.clear])
def test_changed_rows_are_refused(body: bytes, tmp_path: Path, change: Callable[..., None]) -> None:
    """With new checksums and the old signature, or with none."""
    changed = _rewritten(body, change)
    assert "after ins_" in _refusal(tmp_path / "new", changed)
    assert "Nothing was changed" in _refusal(tmp_path / "new", changed[:-LENGTH])


def test_a_backup_without_a_signature_is_refused(body: bytes, tmp_path: Path) -> None:
    """It may be whole; nobody vouches for it."""
    assert "it has no signature" in _refusal(tmp_path / "new", body[:-LENGTH])


def test_another_master_key_is_named(body: bytes, tmp_path: Path, source: Instance) -> None:
    """Which instance signed it with which key, which key is here, and where the right one belongs."""
    head = check_audit_log(source.database).head
    assert head is not None
    said = _refusal(tmp_path / "new", body, OTHER_KEY)
    for part in (
        f"{head.instance} with key {fingerprint_of(keys_of(MASTER_KEY, 'x')[0])}",
        f"the key here is {fingerprint_of(keys_of(OTHER_KEY, 'x')[0])}",
        "put its master key in ARI_MASTER_KEY",
    ):
        assert part in said
    assert "there is no master key in" in _refusal(tmp_path / "none", body, None)
    assert not (tmp_path / "none" / "master.key").exists()


def test_a_forger_with_a_master_key_of_his_own_is_named_too(body: bytes, tmp_path: Path, source: Instance) -> None:
    """He may claim the instance's id, but not its key."""
    forged = io.BytesIO()
    signing = SigningFile(forged)
    signing.write(_rewritten(body, _plant)[:-LENGTH])
    head = check_audit_log(source.database).head
    assert head is not None
    signing.sign(keys_of(OTHER_KEY, "x")[0], head.instance)
    assert fingerprint_of(keys_of(OTHER_KEY, "x")[0]) in _refusal(tmp_path / "new", forged.getvalue())


@pytest.mark.parametrize("at", ["sqlite", "postgresql"])
def test_what_is_not_trusted_comes_back_disabled(
    body: bytes, tmp_path: Path, at: str, request: pytest.FixtureRequest
) -> None:
    """Every key, the planted one too; the event says so, and the audit log begins to be signed by this instance."""
    url = None if at == "sqlite" else request.getfixturevalue("postgres").create()
    restored = _restore(tmp_path / "new", _rewritten(body, _plant), UNTRUSTED, OTHER_KEY, url)
    assert not restored.is_trusted
    assert restored.keys_disabled == 3
    with opened(tmp_path / "new", url, master_key=OTHER_KEY) as there:
        with there.database.main.connect() as connection:
            assert set(connection.execute(text("SELECT disabled FROM api_keys")).scalars()) == {True}
        event = Deps(there).read_sync(lambda unit: unit.events.page(None, None, 1))[0]
        assert (event.name, event.detail["trusted"]) == ("backup_restored", False)
        audit_log = check_audit_log(there.database)
        assert audit_log.is_whole, audit_log
        assert audit_log.head is not None
        assert audit_log.head.instance != event.detail["signed_by"]
        assert audit_log.head.accepted == audit_log.walked
        create(there, "later")
        assert (head := check_audit_log(there.database).head) is not None
        assert head.accepted == audit_log.walked
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


@pytest.mark.parametrize("column", ["revoked_at_ms", "expired_seen_at_ms", "expires_at_ms", "disabled"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -(2**70), 1.5, "", b"", "1", [1], 2])
def test_values_that_a_database_reads_otherwise_are_refused(
    body: bytes, tmp_path: Path, column: str, value: object
) -> None:
    """A key that was revoked at NaN passed for a dead one, and SQLite stored it as one that was never revoked."""
    if column != "disabled" and value == 2:
        value = True

    def plant(rows: list[tuple[str, dict[str, object]]]) -> None:
        _plant(rows)
        rows[-1][1][column] = value

    with pytest.raises(Invalid, match="a row in its table api_keys isn't valid"):
        _restore(tmp_path / "new", _rewritten(body, plant), UNTRUSTED)
    assert not (tmp_path / "new" / KEYS_FILE).exists()


def test_without_the_master_key_a_backup_is_not_signed(tmp_path: Path) -> None:
    """It is written all the same, and its author learns what it will need."""
    with opened(tmp_path / "other", None) as other:
        create(other, "a")
        other.master_keys.own_file.unlink()
        file = io.BytesIO()
        assert write_backup(other.database, file, other.now_ms(), lambda *_: None).signed_by is None
    assert "it has no signature" in _refusal(tmp_path / "new", file.getvalue())


def test_keys_of_an_untrusted_file_are_never_left_enabled(body: bytes, tmp_path: Path) -> None:
    """Both options together are a mistake."""
    with pytest.raises(Invalid, match="can't be kept enabled"):
        _restore(tmp_path / "new", body, Terms(untrusted=True, trust_keys=True))
    assert _restore(tmp_path / "new", body, UNTRUSTED).keys_disabled == 2


def test_a_backup_does_not_launder_a_forged_trail(source: Instance, tmp_path: Path) -> None:
    """The nightly backup of a database that was edited is signed, and what it brings back is still found out."""
    with source.database.main.begin() as connection:
        connection.execute(text("DROP TRIGGER events_no_delete"))
        connection.execute(text("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)"))
    file = io.BytesIO()
    write_backup(source.database, file, source.now_ms(), lambda *_: None)
    assert _restore(tmp_path / "new", file.getvalue()).is_trusted
    with opened(tmp_path / "new", None, master_key=MASTER_KEY) as there:
        assert not check_audit_log(there.database).is_whole


class _Changing(io.BytesIO):
    """A file that somebody replaces between the verification and the restore."""

    def __init__(self, first: bytes, then: bytes) -> None:
        super().__init__(first)
        self._then = then

    def replace(self) -> None:
        self.seek(0)
        self.truncate()
        self.write(self._then)


def test_a_file_that_changes_while_it_is_read_is_refused(
    body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check at the end covers the very bytes that were written to the database."""
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    end = len(body) - LENGTH
    changed = _rewritten(body, _shorten_twice)[:-LENGTH].ljust(end, b"\0")  # gzip reads past zeros
    assert len(changed) == end, "the change must not be longer"
    file = _Changing(body, changed + body[end:])
    verify = restore.verify_backup

    def then_change(signed: SignedFile, keys: MasterKeys, progress: Progress) -> object:
        manifest = verify(signed, keys, progress)
        file_changes.append(True)
        return manifest

    file_changes: list[bool] = []
    monkeypatch.setattr(restore, "verify_backup", then_change)

    def change_first(*arguments: Any) -> None:
        file.replace()
        into_sqlite(*arguments)

    monkeypatch.setattr(restore, "into_sqlite", change_first)
    settings = settings_for(folder, None, master_key=MASTER_KEY)
    with pytest.raises(Invalid, match="changed, truncated or damaged after ins_"):
        restore_backup(settings, file, Terms(), SYSTEM, START_MS, lambda *_: None)
    assert file_changes == [True]
    assert not (folder / KEYS_FILE).exists()


def test_gzip_and_tar_read_past_the_signature(body: bytes) -> None:
    """The file stays what it was: a compressed tar for everybody's tools."""
    import gzip
    import tarfile

    assert gzip.decompress(body) == gzip.decompress(body[:-LENGTH])
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        assert tar.getnames()[-1] == "manifest.json"
