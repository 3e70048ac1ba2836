"""Reads a Dockerfile and executes its steps in folders with chroot, for machines without a container engine.

A base image is made by debootstrap. What comes before the first file of the project is kept in ``build/container``, by
a hash of its instructions, so only the first run downloads Debian. It needs root.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONTINUED = re.compile(r"\\\n")
PASSED = ("http_proxy", "https_proxy", "no_proxy")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = re.compile(r"debian:([a-z]+)-slim")


@dataclass(frozen=True)
class Instruction:
    """One instruction, such as ``RUN``, and the text after it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the exec form, or of the text."""
        return list(map(str, json.loads(self.text))) if self.text.startswith("[") else shlex.split(self.text)


@dataclass
class Stage:
    """A stage: its base, its name, its instructions, and the folder with its files after it was built."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)
    root: Path = Path("/")
    folder: str = "/"

    def find(self, name: str) -> list[Instruction]:
        """The instructions of one name."""
        return [one for one in self.instructions if one.name == name]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ``ENV`` sets."""
        return dict(word.split("=", 1) for one in self.find("ENV") for word in one.words)


def parse(text: str) -> list[Stage]:
    """The stages of a Dockerfile."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stages: list[Stage] = []
    for line in filter(None, map(str.strip, CONTINUED.sub(" ", lines).splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(base, alias))
        else:
            stages[-1].instructions.append(Instruction(name, rest.strip()))
    return stages


class Builder:
    """Builds the stages of a Dockerfile below a folder, from the files of a context."""

    def __init__(self, context: Path, cache: Path, folder: Path) -> None:
        self.context = context
        self.cache = cache
        self.folder = folder
        self.stages = parse((context / "Dockerfile").read_text(encoding="utf-8"))

    def build(self) -> Stage:
        """Execute all instructions; the last stage is the image."""
        before = os.umask(0o022)  # as in a build; ARI's own processes, such as earlier tests of this one, make it 077
        try:
            for number, stage in enumerate(self.stages):
                stage.root = self.folder / str(number)
                for one in self._prepare(stage):
                    self._execute(stage, one)
        finally:
            os.umask(before)
        return self.stages[-1]

    def _prepare(self, stage: Stage) -> list[Instruction]:
        """Copy the state before the first ``COPY`` from the cache, or make it; gives the instructions after it."""
        count = next(number for number, one in enumerate(stage.instructions) if one.name == "COPY")
        early = stage.instructions[:count]
        made = [stage.base, *(one.text for one in early if one.name == "RUN")]
        kept = self.cache / hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]
        if not kept.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
                stage.root = Path(scratch) / "root"
                _copy(self._make_base(stage.base), stage.root)
                for one in early:
                    self._execute(stage, one)
                stage.root.rename(kept)
            stage.root = self.folder / str(self.stages.index(stage))
        _copy(kept, stage.root)
        return stage.instructions[count:]

    def _make_base(self, base: str) -> Path:
        found = BASE.fullmatch(base)
        assert found, f"no way to make {base} here"
        kept = self.cache / found[1]
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
                command = ["debootstrap", "--variant=minbase", found[1], f"{scratch}/root"]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
                Path(scratch, "root").rename(kept)
        return kept

    def _execute(self, stage: Stage, one: Instruction) -> None:
        if one.name == "WORKDIR":
            stage.folder = one.text
            _inside(stage.root, one.text).mkdir(parents=True, exist_ok=True)
        elif one.name == "RUN":
            run_inside(stage.root, ["/bin/sh", "-c", f"cd {stage.folder} && {one.text}"], stage.environment)
        elif one.name == "COPY":
            self._copy_files(stage, one)

    def _copy_files(self, stage: Stage, one: Instruction) -> None:
        *sources, target = [word for word in one.words if not word.startswith("--")]
        flags = dict(word[2:].split("=", 1) for word in one.words if word.startswith("--"))
        named = {each.name: each.root for each in self.stages}
        place = _inside(stage.root, target if target.startswith("/") else f"{stage.folder}/{target}")
        for source in sources:
            origin = _inside(named[flags["from"]], source) if "from" in flags else self.context / source
            into = place / origin.name if target.endswith("/") and origin.is_file() else place
            into.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_file():
                shutil.copy(origin, into)
            else:
                ignored = shutil.ignore_patterns("__pycache__", *(() if "from" in flags else ("static",)))
                shutil.copytree(origin, into, symlinks=True, dirs_exist_ok=True, ignore=ignored)


def run_inside(root: Path, command: list[str], environment: Mapping[str, str]) -> None:
    """Run a command as root with a folder as the root of all files and the network of this machine, as a build does."""
    for path in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(path, _inside(root, path))
    shutil.copy(CERTIFICATES, root / "var/tmp/certificates.crt")
    certificates = dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), "/var/tmp/certificates.crt")
    passed = {name: value for name, value in os.environ.items() if name.lower() in PASSED}
    script = f'mount -t proc proc {root}/proc && mount --bind /dev {root}/dev && exec chroot {root} "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *command],
        env={"PATH": os.environ["PATH"], "HOME": "/root", **certificates, **passed, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def _copy(source: Path, target: Path) -> None:
    """A copy that shares no file: ``shutil`` can't copy devices and owners."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")
