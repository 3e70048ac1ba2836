"""Several nodes on PostgreSQL: what a restore or an accept ended is missing on purpose, anything else is reported.

Each node is opened for itself, since a restore refuses while another one runs.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ari.base import audit
from ari.base.audit import Head
from ari.base.caller import SYSTEM
from ari.deps import Deps
from ari.instance import Instance
from ari.storage.accept_database import accept, look
from ari.storage.audit_log.witness import Witness
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.checkup import check_audit_log
from ari.storage.tables import audit_marks, database_history, events
from tests.support.audit_log import create, unlocked
from tests.support.backups import MASTER_KEY, back_up, ignore_progress
from tests.support.instances import START_MS, opened, settings_for

Copy = dict[str, list[dict[str, Any]]]
_COPIED = (events, audit_marks, database_history)


class Nodes:
    """Nodes with data directories of their own on one database, which the test may exchange for a copy."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def dir(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @contextmanager
    def on(self, name: str) -> Iterator[Instance]:
        """The node; it follows any database, as one whose memory of it (``storage.failover``) is gone."""
        (self.dir(name) / "seen-postgresql.json").unlink(missing_ok=True)
        with opened(self.dir(name), self.url, master_key=MASTER_KEY) as instance:
            yield instance

    def create(self, name: str, *keys: str) -> None:
        with self.on(name) as instance:
            for key in keys:
                create(instance, key)

    def fault(self, name: str) -> str | None:
        with self.on(name) as instance:
            found = check_audit_log(instance.database)
            assert found.broken is None
            return found.fault

    def read_seen(self, name: str) -> Head:
        head = Witness(self.dir(name)).head()
        assert head is not None
        return head

    def back_up(self, name: str) -> bytes:
        with self.on(name) as instance:
            return back_up(instance)[0]

    def restore(self, name: str, backup: bytes) -> None:
        settings = settings_for(self.dir(name), self.url, master_key=MASTER_KEY)
        restore_backup(settings, io.BytesIO(backup), Terms(replace=True), SYSTEM, START_MS, ignore_progress)

    def copy(self) -> Copy:
        with self.on("copier") as instance, instance.database.main.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(table.select()).mappings()] for table in _COPIED
            }

    def put_back(self, copy: Copy) -> None:
        """What somebody does who may write the database."""
        with self.on("copier") as instance, unlocked(instance) as connection:
            for table in _COPIED:
                connection.execute(text(f"DELETE FROM {table.name}"))
                if copy[table.name]:
                    connection.execute(table.insert(), copy[table.name])

    def accept_log(self, name: str) -> None:
        with self.on(name) as instance:
            Deps(instance).do_sync(audit.accept, {})

    def accept_database(self, name: str) -> None:
        with self.on(name) as instance:
            accept(instance.database, look(instance.database), SYSTEM, START_MS)


@pytest.fixture
def nodes(tmp_path: Path, postgres_url: str) -> Nodes:
    """Two nodes, each of which committed something after the backup."""
    return Nodes(tmp_path, postgres_url)


def test_every_node_follows_a_restore(nodes: Nodes) -> None:
    """The one that restored, one that committed last, and one that committed before the backup."""
    nodes.create("n3", "old")
    nodes.create("n1", "a")
    backup = nodes.back_up("n1")
    nodes.create("n1", "b")
    nodes.create("n2", "c")
    nodes.restore("n1", backup)
    assert [nodes.fault(name) for name in ("n1", "n2", "n3")] == [None] * 3
    before = nodes.read_seen("n2")
    nodes.create("n2", "d")
    assert nodes.read_seen("n2").history == nodes.read_seen("n1").history != before.history
    assert [nodes.fault(name) for name in ("n1", "n2", "n3")] == [None] * 3


def test_a_node_that_slept_through_several_restores_follows(nodes: Nodes) -> None:
    """Also one whose last history began with a restore that isn't in the log."""
    nodes.create("n1", "a")
    backup = nodes.back_up("n1")
    nodes.create("n2", "b")
    nodes.restore("n1", backup)
    nodes.create("n3", "c")
    nodes.restore("n1", backup)
    nodes.restore("n1", backup)
    assert [nodes.fault(name) for name in ("n1", "n2", "n3")] == [None] * 3


@pytest.mark.parametrize("is_used", [False, True])
def test_a_restore_hides_no_later_exchange(nodes: Nodes, is_used: bool) -> None:
    """A copy from before or after the restore is older than what the node committed since, at whatever position."""
    nodes.create("n1", "a")
    backup = nodes.back_up("n1")
    nodes.create("n2", "b", "c", "d", "e")
    before = nodes.copy()
    nodes.restore("n1", backup)
    after = nodes.copy()
    nodes.create("n2", "hidden")
    for copy in (before, after):
        nodes.put_back(copy)
        if is_used:
            nodes.create("n3", "f")
            nodes.create("n2", "g")
        assert "this node committed event" in str(nodes.fault("n2"))


def test_a_restore_over_an_exchanged_log_does_not_hide_that(nodes: Nodes) -> None:
    """The node that restored sees that something is wrong, or the log ends before what the other one committed."""
    nodes.create("n1", "a")
    backup = nodes.back_up("n1")
    nodes.create("n1", "b")
    short = nodes.copy()
    nodes.create("n2", "hidden")
    nodes.put_back(short)
    nodes.restore("n1", backup)
    assert nodes.fault("n1") is None
    assert "this node committed event" in str(nodes.fault("n2"))


def test_an_exchanged_log_that_the_restoring_node_notices_ends_nothing(nodes: Nodes) -> None:
    """However long it became since: only what that node itself committed is replaced."""
    nodes.create("n1", "a")
    backup, short = nodes.back_up("n1"), nodes.copy()
    nodes.create("n1", "b")
    nodes.create("n2", "hidden")
    nodes.put_back(short)
    nodes.create("n3", "c", "d", "e", "f")
    nodes.restore("n1", backup)
    assert nodes.fault("n1") is None
    assert "this node committed event" in str(nodes.fault("n2"))


def test_who_writes_the_database_ends_no_history(nodes: Nodes) -> None:
    """The list of ended histories is signed."""
    nodes.create("n1", "a")
    short = nodes.copy()
    nodes.create("n2", "hidden")
    [mark] = short["audit_marks"]
    head = Head.parse(mark["statement"])
    assert head is not None
    mark["statement"] = head.begin_history([nodes.read_seen("n2")]).to_text()
    nodes.put_back(short)
    assert nodes.fault("n2") == "the signature of its head is wrong"
    nodes.create("n2", "later")
    assert nodes.read_seen("n2").position == 2


def test_an_accepted_database_is_followed_up_to_what_the_node_knew(nodes: Nodes) -> None:
    """Another node that committed more reports it, until the log is accepted there: that is enough for all."""
    nodes.create("n1", "a")
    short = nodes.copy()
    nodes.create("n3", "b")
    nodes.create("n1", "c")
    nodes.create("n2", "d")
    nodes.create("n4", "e")
    nodes.put_back(short)
    nodes.accept_database("n1")
    assert [nodes.fault(name) for name in ("n1", "n3")] == [None] * 2
    for name in ("n2", "n4"):
        nodes.create(name, "later")
        assert "this node committed event" in str(nodes.fault(name))
    nodes.accept_log("n4")
    assert [nodes.fault(name) for name in ("n1", "n2", "n3", "n4")] == [None] * 4


def test_an_accept_hides_no_later_exchange(nodes: Nodes) -> None:
    """The positions of the lost events are given out again, in another history."""
    nodes.create("n1", "a")
    short = nodes.copy()
    nodes.create("n1", "b", "c", "d", "e")
    nodes.put_back(short)
    nodes.accept_log("n1")
    accepted = nodes.copy()
    nodes.create("n1", "hidden")
    nodes.put_back(accepted)
    assert "this node committed event" in str(nodes.fault("n1"))


def test_an_accept_takes_no_list_from_a_head_that_nobody_signed(nodes: Nodes) -> None:
    """It would make good what others miss."""
    nodes.create("n1", "a")
    short = nodes.copy()
    nodes.create("n2", "hidden")
    [mark] = short["audit_marks"]
    head = Head.parse(mark["statement"])
    assert head is not None
    mark["statement"] = head.begin_history([nodes.read_seen("n2")]).to_text()
    nodes.put_back(short)
    nodes.accept_log("n1")
    assert nodes.fault("n1") is None
    assert "this node committed event" in str(nodes.fault("n2"))


def test_a_failed_accept_keeps_what_the_node_saw(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head that it committed goes only with the commit that says why."""
    nodes.create("n1", "a")
    short = nodes.copy()
    nodes.create("n1", "b")
    nodes.put_back(short)
    seen = nodes.read_seen("n1")

    def fail(*_: object) -> None:
        raise RuntimeError("before the commit")

    monkeypatch.setattr("ari.storage.accept_database.begin_history", fail)
    with pytest.raises(RuntimeError):
        nodes.accept_database("n1")
    assert nodes.read_seen("n1") == seen


def test_a_node_that_dies_before_it_keeps_its_head_follows(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the commit of a restore or of an accept."""
    nodes.create("n1", "a")
    backup, short = nodes.back_up("n1"), nodes.copy()
    nodes.create("n1", "b")
    with monkeypatch.context() as patched:
        patched.setattr(Witness, "keep", lambda *_: None)
        nodes.restore("n1", backup)
    assert nodes.fault("n1") is None
    nodes.create("n1", "c")
    nodes.put_back(short)
    with monkeypatch.context() as patched:
        patched.setattr(Witness, "keep", lambda *_: None)
        nodes.accept_log("n1")
    assert nodes.fault("n1") is None


def test_a_restore_into_an_empty_database_ends_what_the_node_committed(nodes: Nodes) -> None:
    """The server was lost with everything; a node that committed more says so."""
    nodes.create("n1", "a")
    backup = nodes.back_up("n1")
    nodes.create("n3", "b")
    nodes.create("n1", "c")
    nodes.create("n2", "d")
    nodes.put_back({table.name: [] for table in _COPIED} | {"database_history": nodes.copy()["database_history"]})
    nodes.restore("n1", backup)
    assert [nodes.fault(name) for name in ("n1", "n3")] == [None] * 2
    assert "this node committed event" in str(nodes.fault("n2"))
