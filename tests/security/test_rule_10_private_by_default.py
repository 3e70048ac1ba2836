"""Rule 10: files are the owner's alone, secrets are shown as set or unset, readiness does not hammer the database."""

import asyncio
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.base.settings import load_settings
from ari.storage.engine import prepare_data_dir
from tests.support.clock import FrozenClock
from tests.support.command import Cli
from tests.support.instances import opened
from tests.support.server import ServerProcess

NOBODY = 65534
SECRET = "hunter2secret"


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def _loose(folder: Path) -> list[str]:
    return [path.name for path in [folder, *folder.rglob("*")] if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_nobody_else_can_read_any_file(make_server: Callable[..., ServerProcess], tmp_path: Path) -> None:
    """Umask 077 before the first file, however careless the umask that ARI was started with."""
    folder = tmp_path / "fresh" / "data"
    folder.parent.mkdir()
    with _umask(0):
        server = make_server(folder).start()
        cli = Cli(server.environment, server.folder)
        cli.create_key("Laptop")
        cli("backup", str(folder / "b"), check=True)
    assert list(folder.iterdir())
    assert _loose(folder) == []


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o770])
def test_a_directory_that_others_can_enter_is_refused(
    make_server: Callable[..., ServerProcess], data_dir: Path, mode: int
) -> None:
    """Neither the server nor the command line works in it; the sentence says how to mend it."""
    data_dir.chmod(mode)
    server: ServerProcess = make_server()
    assert server.launch().wait(60) == 1
    assert f"chmod 700 {data_dir}" in server.log_text()
    for words in (["keys", "list"], ["migrate"], ["keys", "create", "x"], ["backup", str(data_dir / "b")]):
        ran = Cli(server.environment, server.folder)(*words)
        assert (ran.returncode, f"chmod 700 {data_dir}" in ran.stderr) == (1, True), ran
    assert list(data_dir.iterdir()) == []


def test_a_directory_of_the_platform_needs_a_setting(make_server: Callable[..., ServerProcess], data_dir: Path) -> None:
    """With it ARI serves in what its group can enter, changes nothing about it, and its own files stay private."""
    data_dir.chmod(0o770)
    server: ServerProcess = make_server(settings={"ARI_DATA_DIR_ACCESS": "group"})
    server.start()
    cli = Cli(server.environment, server.folder)
    cli.create_key("Laptop")
    assert "closed to others than its group" in cli("doctor", "--verbose").stdout
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o770
    assert _loose(data_dir) == [data_dir.name]


def test_the_directory_of_another_user_is_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files made by another user would lock the owner out, and root must not trust them."""
    monkeypatch.setattr("os.geteuid", lambda: data_dir.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        prepare_data_dir(load_settings(data_dir=data_dir))


def test_no_command_works_for_another_user(cli: Cli, data_dir: Path) -> None:
    """Every command refuses, with one sentence and without touching anything."""
    cli("migrate", check=True)
    if os.geteuid() == 0:  # else the test above must do: only root can give files away
        os.chown(data_dir, NOBODY, NOBODY)
    else:
        data_dir.chmod(0o711)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in data_dir.iterdir())
    for words in (["keys", "list"], ["keys", "create", "x"], ["usage"], ["events"], ["account", "show"], ["migrate"]):
        ran = cli(*words)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), (words, ran)
        assert "another user" in ran.stderr or "chmod 700" in ran.stderr
    assert cli("doctor").returncode == 1
    assert sorted((path.name, path.stat().st_mtime_ns) for path in data_dir.iterdir()) == before


def test_secrets_are_shown_as_set_or_unset(cli: Cli) -> None:
    """Doctor names every setting; of secrets only whether they are there, of the database only where it is."""
    cli("migrate", check=True)
    settings = {"ARI_ADMIN_EMAIL": "owner@example.org", "ARI_ADMIN_PASSWORD": SECRET}
    url = f"postgresql://ari:{SECRET}@127.0.0.1:1/ari"
    for more in ({}, {"ARI_DATABASE_URL": url}):
        for words in (["doctor"], ["doctor", "--verbose"], ["doctor", "--json"]):
            ran = cli(*words, settings={**settings, **more})
            assert SECRET not in ran.stdout + ran.stderr
            assert "ARI_ADMIN_PASSWORD" in ran.stdout
    assert re.search(r"ARI_ADMIN_PASSWORD\s+set\n", cli("doctor", settings=settings).stdout)
    assert re.search(r"ARI_ADMIN_PASSWORD\s+unset\n", cli("doctor", "--verbose").stdout)
    assert "postgresql://***@127.0.0.1:1/ari" in cli("doctor", settings={"ARI_DATABASE_URL": url}).stdout


def test_a_failing_start_does_not_print_the_database_url(make_server: Callable[..., ServerProcess]) -> None:
    """An unreachable database, and one whose address is wrong, are named without user and password."""
    for url in (f"postgresql://ari:{SECRET}@127.0.0.1:1/ari", f"mysql://ari:{SECRET}@db/ari"):
        server: ServerProcess = make_server(database_url=url, settings={"ARI_LOG_LEVEL": "debug"})
        assert server.launch().wait(60) == 1
        assert SECRET not in server.log_text()
        assert "ari: " in server.log_text()


def test_settings_do_not_print_their_secrets(data_dir: Path) -> None:
    """Not in a traceback, not in a log: ``repr`` hides them."""
    settings = load_settings(
        data_dir=data_dir, database_url=f"postgresql://ari:{SECRET}@db/ari", admin_email="a@b", admin_password=SECRET
    )
    assert SECRET not in repr(settings) + str(settings) + str(settings.model_dump())


def test_readiness_asks_the_database_once_a_second(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of probes costs one question a second."""
    with opened(data_dir, None) as instance:
        asked: list[int] = []
        monkeypatch.setattr(instance.database.usage, "check", lambda: asked.append(1))

        async def probe() -> None:
            assert isinstance(instance.clock, FrozenClock)
            await asyncio.gather(*(instance.readiness.check() for _ in range(50)))
            assert len(asked) == 1
            instance.clock.advance(0.9)
            await instance.readiness.check()
            assert len(asked) == 1
            instance.clock.advance(0.2)
            await instance.readiness.check()
            assert len(asked) == 2

        asyncio.run(probe())


def test_no_process_of_the_server_dumps_core(server: ServerProcess) -> None:
    """Memory holds keys; a crash must not write it to disk."""
    assert server.process is not None
    family = subprocess.run(["ps", "-o", "pid=", "-g", str(server.process.pid)], capture_output=True, text=True)
    pids = [int(pid) for pid in family.stdout.split()] or [server.process.pid]
    for pid in pids:
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits), limits
