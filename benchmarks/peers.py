"""The peers: installed at locked versions into the cache, each in its best configuration on the same core."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.install import NotInstalled, install_npm, install_venv, last_line
from benchmarks.process import Probe, Server, ask, clean_environment, free_port
from benchmarks.rows import CONNECTIONS, Row, skipped, with_keys

_PATH = "/api/things/thing_1"
LEFT_OUT = "left out with --no-peers"

LABELS = {
    "better-auth": "Better Auth, API-key plugin, as documented (default journal)",
    "better-auth-wal": "Better Auth, best durable setting (WAL, synchronous NORMAL)",
    "drf": "djangorestframework-api-key on gunicorn, lean, connections kept",
    "keyshield": "keyshield, as documented",
    "keyshield-cached": "keyshield, cached service, no delay, cache hits",
}

STORED = {
    "better-auth": "the key's counter and last use, committed in SQLite's default journal: survives power loss",
    "better-auth-wal": "the key's counter and last use, committed: survives a crash of the server, not power loss",
    "drf": "nothing: the library only reads the key",
    "keyshield": "the key's last use, committed in SQLite's default journal: survives power loss",
    "keyshield-cached": "the key's last use, committed in SQLite's default journal: survives power loss",
}
"""What each peer has stored when it responds. None of them logs requests."""


def peer_rows(folder: Path, wanted: Callable[[str], bool]) -> list[Row]:
    """The peers' rows; a peer that can't be installed gets a row with the reason."""
    found: list[Row] = []
    for ids, prepare in (
        (("better-auth", "better-auth-wal"), _better_auth),
        (("drf",), _django),
        (("keyshield", "keyshield-cached"), _keyshield),
    ):
        asked = [row_id for row_id in ids if wanted(row_id)]
        if not asked:
            continue
        try:
            found += [row for row in prepare(folder / asked[0]) if row.id in asked]
        except NotInstalled as error:
            found += [skipped(row_id, LABELS[row_id], str(error)) for row_id in asked]
    return found


def left_out(wanted: Callable[[str], bool] = lambda _: True) -> list[Row]:
    """A row for each wanted peer, which was not run."""
    return [skipped(row_id, label, LEFT_OUT) for row_id, label in LABELS.items() if wanted(row_id)]


def versions() -> str:
    """The peers' own versions from the locks."""
    wanted = [*_lines("drf.in"), *_lines("keyshield.in"), *_lines("litellm.in")]
    packages = [*_lines("better-auth/package.json"), *_lines("portkey/package.json")]
    npm = [line.strip().strip(",").replace('"', "") for line in packages if '": "' in line]
    return ", ".join([*wanted, *(line.replace(": ", "==") for line in npm if line[-1].isdigit())])


def _lines(name: str) -> list[str]:
    return [line for line in (machine.PEERS / name).read_text().splitlines() if line and not line.startswith("#")]


def _better_auth(folder: Path) -> list[Row]:
    packages, node = install_npm("better-auth", ("better-sqlite3",))
    shutil.copy(machine.APPS / "better_auth.mjs", packages / "better_auth.mjs")

    def row(row_id: str, journal: str) -> Row:
        place = folder / row_id
        settings = {"DB": str(place / "keys.db"), "JOURNAL": journal, "NODE_ENV": "production"}
        keys = _fill([node, "better_auth.mjs", "1000"], packages, place, settings)

        def start() -> tuple[Server, list[bytes]]:
            port = free_port()
            messages = with_keys(port, _PATH, keys)
            server = Server(row_id, [node, "better_auth.mjs"], settings | {"PORT": str(port)}, place, port, packages)
            return server.start(Probe(messages[0])), messages

        return Row(row_id, LABELS[row_id], start, stored=STORED[row_id])

    return [row("better-auth", "default"), row("better-auth-wal", "wal")]


def _django(folder: Path) -> list[Row]:
    python = install_venv("drf")
    settings = {"DB": str(folder / "keys.db")}
    keys = _fill([str(python), "drf_app.py", "1000"], machine.APPS, folder, settings)

    def start() -> tuple[Server, list[bytes]]:
        port = free_port()
        gunicorn = [str(python), "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "4"]
        place = ["--keep-alive", "60", "--bind", f"127.0.0.1:{port}", "--log-level", "error", "drf_app:wsgi"]
        messages = with_keys(port, _PATH, keys, "Authorization", "Api-Key ")
        server = Server("drf", [*gunicorn, *place], settings, folder, port, machine.APPS)
        return server.start(Probe(messages[0])), messages

    return [Row("drf", LABELS["drf"], start, stored=STORED["drf"])]


def _keyshield(folder: Path) -> list[Row]:
    python = install_venv("keyshield")

    def row(row_id: str, mode: str, connections: int, seconds: int) -> Row:
        place = folder / row_id
        settings = {"DB": str(place / "keys.db"), "MODE": mode, "PYTHONWARNINGS": "ignore"}
        keys = _fill([str(python), "keyshield_app.py", "4"], machine.APPS, place, settings)

        def start() -> tuple[Server, list[bytes]]:
            port = free_port()
            fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
            command = [str(python), "-m", "uvicorn", *fast, "--port", str(port), "keyshield_app:app"]
            messages = with_keys(port, _PATH, keys, "Authorization", "Bearer ")
            server = Server(row_id, command, settings, place, port, machine.APPS).start(Probe(messages[0]))
            for one in messages:  # each key takes a quarter of a second until the cache knows it
                ask(port, one)
            return server, messages

        stored = STORED[row_id]
        return Row(row_id, LABELS[row_id], start, stored=stored, connections=connections, least_seconds=seconds)

    return [row("keyshield", "documented", 1, 10), row("keyshield-cached", "cached", CONNECTIONS, 4)]


def _fill(command: Sequence[str], cwd: Path, place: Path, settings: dict[str, str]) -> list[str]:
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command, cwd=cwd, env=clean_environment(settings), capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise NotInstalled(f"its keys could not be made: {last_line(done)}")
    return done.stdout.split()
