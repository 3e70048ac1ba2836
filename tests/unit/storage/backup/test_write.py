"""The contents of a backup."""

import io
from typing import Any

import pytest

from ari.accounts.model import Account, Session
from ari.base.errors import Unavailable
from ari.base.idempotency import PASSING_KINDS
from ari.base.seal import Context, Sealed
from ari.instance import Instance
from ari.notifications.model import SEALED_KIND
from ari.storage.backup.archive import Reader, Row
from ari.storage.backup.signature import UNKNOWN_INSTANCE, SignedFile
from ari.storage.backup.write import write_backup
from ari.storage.usage.row_ids import format_id
from ari.usage.ports import Batch
from tests.support.audit_log import create
from tests.support.instances import START_MS
from tests.support.usage import make_row


def _write(instance: Instance) -> tuple[bytes, list[tuple[str, int, int]]]:
    file, progress = io.BytesIO(), list[tuple[str, int, int]]()
    write_backup(instance.database, file, START_MS, lambda *step: progress.append(step))
    return file.getvalue(), progress


def _rows(body: bytes) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for table, row in Reader(SignedFile(io.BytesIO(body))).rows():
        found.setdefault(table, []).append(row)
    return found


def test_nobody_is_signed_in_by_a_backup(instance: Instance) -> None:
    """Sessions, links and emails that are still to be sent stay out; the account and other secrets are in it."""
    with instance.database.writing() as unit:
        unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", START_MS))
        unit.accounts.add_session(Session(b"s" * 32, "usr_1", START_MS, START_MS + 9, None, None, START_MS))
        for kind in (SEALED_KIND, *PASSING_KINDS, "totp"):
            unit.sealed.put(Sealed(Context(kind, "usr_1"), b"an envelope"))
        unit.key_value.put("setup_token", "a digest")
        unit.key_value.put("had_owner", "1")
    rows = _rows(_write(instance)[0])
    assert [row["email"] for row in rows["accounts"]] == ["owner@example.com"]
    assert [row["kind"] for row in rows["sealed_secrets"]] == ["totp"]
    assert [row["name"] for row in rows["notes"]] == ["had_owner"]
    assert "sessions" not in rows


def test_every_request_until_now_is_in_it(instance: Instance) -> None:
    """Also those that no fold has moved yet."""
    row = make_row()
    instance.database.usage.commit(Batch([row]))
    body, progress = _write(instance)
    assert [format_id(one["id_high"], one["id_low"]) for one in _rows(body)["usage_log"]] == [row.id]
    assert ("usage_log", 1, 1) in progress


def test_a_backup_names_its_instance(instance: Instance) -> None:
    """The same in every backup of it, signed with the master key that its first change made."""
    create(instance, "a")
    signers = [SignedFile(io.BytesIO(_write(instance)[0])).signer for _ in range(2)]
    assert signers[0] is not None
    assert signers[1] is not None
    assert signers[0].instance == signers[1].instance != UNKNOWN_INSTANCE


def test_a_full_disk_is_a_plain_sentence(instance: Instance) -> None:
    """Not a traceback in the middle of the night."""

    class Full(io.BytesIO):
        def write(self, _data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="Can't write the backup: No space left on device"):
        write_backup(instance.database, Full(), START_MS, lambda *_: None)
