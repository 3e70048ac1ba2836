"""Kills a rotation of the master key before each of its steps, one process a step, and opens everything afterwards.

Started by ``test_rotation``: ``python -m tests.proof.rotation DATA_DIR EVERY [DATABASE_URL]``;
prints how many there are.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ari.base import master_key, seal
from ari.base.clock import SystemClock
from ari.base.seal import Context, Sealed
from ari.cli import master_key as command
from ari.deps import Deps
from ari.instance import Instance
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.storage.stores import sealed
from tests.support.instances import settings_for
from tests.support.sealing import first_version

FILES = {module.__file__ for module in (seal, master_key, command, sealed)}
STEPS = {
    *("rotate_in", "_reseal", "reseal_all", "forget_unused", "put"),
    *("put_new_in_front", "forget_all_but", "_replace", "_write_new", "_write_temporary", "_sync"),
}
"""What changes something; between these lines nothing but reading happens."""
FIRST = Context("totp", "usr_1")
OTHERS = [Context("provider_key", name, (name, f"https://{name}.example")) for name in ("one", "two")]


class Died(Exception):
    """Only to be sure that nothing went on after the signal."""


def open_instance(folder: Path, url: str | None) -> Instance:
    settings = settings_for(folder, url)
    return Instance(settings, SystemClock(), Database.open(settings))


def list_secrets(instance: Instance) -> list[bytes]:
    """What opens, in order."""
    with instance.database.reading() as unit:
        return [seal.open_one(instance.master_keys, one) for one in unit.sealed.all()]


def prepare(instance: Instance) -> list[bytes]:
    """Secrets of both versions; what they are."""
    with instance.database.writing() as unit:
        for context in OTHERS:
            seal.keep(unit.sealed, instance.master_keys, context, context.subject.encode())
        key = instance.master_keys.all()[0]
        unit.sealed.put(Sealed(FIRST, first_version(key, FIRST, b"totp")))
    return list_secrets(instance)


def die_at(line: int) -> None:
    """End this process by a signal before the given line of a rotation."""
    seen = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen
        if frame.f_code.co_filename not in FILES:
            return None
        if frame.f_code.co_name not in STEPS:
            return None
        if event == "line":
            seen += 1
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
                raise Died
        return count

    sys.settrace(count)


def rotate_and_die(folder: Path, url: str | None, line: int) -> bool:
    """Whether the rotation died; it did not where it has fewer lines."""
    child = os.fork()
    if child == 0:
        instance = open_instance(folder, url)
        die_at(line)
        command.rotate_in(Deps(instance))
        sys.settrace(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def main(folder: Path, every: int, url: str | None) -> None:
    """Until a rotation lives to its end."""
    database = Database.open(settings_for(folder, url))
    migrate(database)
    database.close()
    line, died = 0, True
    while died:
        line += 1 if line < every else every
        instance = open_instance(folder, url)
        known, before = prepare(instance), instance.master_keys.all()
        instance.close()
        died = rotate_and_die(folder, url, line)
        instance = open_instance(folder, url)
        assert list_secrets(instance) == known, line
        command.rotate_in(Deps(instance))
        assert list_secrets(instance) == known, line
        assert len(instance.master_keys.all()) == 1, line
        instance.close()
        assert {key.id for _, key in instance.master_keys.list_earlier()} >= {key.id for key in before}, line
        for path in instance.master_keys.own_file.parent.glob("master.key.*"):
            path.unlink()
        assert [path.name for path in folder.glob("*master*")] == ["master.key"], line
    print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
