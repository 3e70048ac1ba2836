"""A process dies between any two steps of a restore: the instance is the old one or the new one, never a mixture."""

import shutil
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.storage.audit_log.witness import Witness
from ari.storage.checkup import check_audit_log
from ari.storage.pending_restore import is_pending
from ari.usage.ports import Batch
from tests.support import forked
from tests.support.backups import MASTER_KEY, back_up, create_key, usage_row
from tests.support.instances import opened
from tests.support.server import clean_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_MAX_STEPS, _MAX_LEFT = 80, 2
OLD, RESTORED = (["old"], 3), (["new"], 0)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped instance with a key and three requests."""
    folder = tmp_path_factory.mktemp("old") / "data"
    folder.mkdir(mode=0o700)
    with opened(folder, None, master_key=MASTER_KEY) as instance:
        key = create_key(instance, "old")
        instance.database.usage.commit(Batch([usage_row(instance, key, number) for number in range(3)], [], []))
        instance.database.usage.fold_all()
    return folder


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backup of another state, signed with the same master key."""
    folder = tmp_path_factory.mktemp("new")
    (folder / "data").mkdir(mode=0o700)
    with opened(folder / "data", None, master_key=MASTER_KEY) as instance:
        create_key(instance, "new")
        (folder / "backup").write_bytes(back_up(instance)[0])
    return folder / "backup"


def _restore(folder: Path, backup: Path, step: int, url: str | None = None) -> int:
    more = {} if url is None else {"ARI_DATABASE_URL": url}
    environment = clean_environment(folder, {"ARI_MASTER_KEY": MASTER_KEY} | more)
    done = forked.run([str(folder), str(backup), str(step)], environment, ROOT, module="tests.proof.restore_worker")
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def _look(folder: Path) -> tuple[list[str], int]:
    """The keys and the number of requests; the audit log must be the one that its witness has seen."""
    with opened(folder, None, master_key=MASTER_KEY) as instance:
        audit = check_audit_log(instance.database)
        assert audit.broken is None
        head = Witness(folder).head()
        with instance.database.reading() as tx:
            assert head is None or tx.events.marks.contains(head)
            names = [key.name for key in tx.keys.page(0, "all", None, 9)]
        return names, _count_requests(instance)


def _count_requests(instance: Instance) -> int:
    with instance.database.log.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM usage_log").scalar_one())


def test_one_instance_whatever_dies_where(tmp_path: Path, old: Path, backup: Path) -> None:
    """The next opening completes a restore that counts; the next restore removes the files of one that doesn't."""
    found, pending, left = [], 0, 0
    for step in range(1, _MAX_STEPS):
        folder = tmp_path / str(step)
        shutil.copytree(old, folder)
        status = _restore(folder, backup, step)
        pending += is_pending(folder)
        found.append(_look(folder))
        assert not is_pending(folder)
        if status == 0:
            break
        if any(folder.glob("restore*")) and left < _MAX_LEFT:
            left += 1
            assert _restore(folder, backup, 0) == 0
            assert _look(folder) == RESTORED
            assert list(folder.glob("restore*")) == []
        shutil.rmtree(folder)
    assert found == sorted(found, key=lambda one: one == RESTORED)
    assert OLD in found
    assert found[-1] == RESTORED
    assert left > 0, "it never died while it wrote the new files"
    assert pending > 4, "it never died between two renames"


def test_every_node_follows_a_restore_of_postgresql_that_died(tmp_path: Path, postgres_url: str) -> None:
    """Killed after the commit and before the files of its node: the audit log is whole for it and for another node."""
    nodes = [tmp_path / name for name in ("n1", "n2")]
    file, died, names = tmp_path / "backup", 0, list[str]()
    for node in nodes:
        node.mkdir(mode=0o700)
    for step in range(1, _MAX_STEPS):
        with opened(nodes[0], postgres_url, master_key=MASTER_KEY) as first:
            create_key(first, f"kept{step}")
            file.write_bytes(back_up(first)[0])
            create_key(first, f"lost{step}")
        with opened(nodes[1], postgres_url, master_key=MASTER_KEY) as second:
            create_key(second, "lost too")
        status = _restore(nodes[0], file, step, postgres_url)
        for node in nodes:
            with opened(node, postgres_url, master_key=MASTER_KEY) as instance:
                assert check_audit_log(instance.database).is_whole
                with instance.database.reading() as tx:
                    names = [key.name for key in tx.keys.page(0, "all", None, 99)]
        if status == 0:
            break
        died += f"lost{step}" not in names
    assert died > 0, "it never died between the commit and the files"
    assert f"lost{step}" not in names
