"""The command line in this process: the same ``main()``, without the cost of a process for every call."""

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ari.base.settings import load_settings
from ari.cli.main import main
from ari.instance import Instance
from ari.integrations.environment import key_variables
from ari.integrations.providers import providers
from tests.support import command_tree
from tests.support.instances import prepare
from tests.support.server import Clock
from tests.unit.cli.owner import add_owner

command_tree.keep()


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Standard input at a terminal where nobody types."""

    def isatty(self) -> bool:
        return True


class Ari:
    """Call it with the words that follow ``ari``."""

    def __init__(self, data_dir: Path, clock: Clock, run: Callable[[Sequence[str], io.StringIO], Ran]) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self._run = run

    def __call__(self, *words: str, check: bool = True, stdin: str = "", at_terminal: bool = False) -> Ran:
        ran = self._run(words, Terminal() if at_terminal else io.StringIO(stdin))
        assert not check or ran.code == 0, f"ari {' '.join(words)}: {ran}"
        return ran

    def json(self, *words: str) -> Any:
        """The command's output with ``--json``."""
        return json.loads(self(*words, "--json").out)

    def out_bytes(self, *words: str) -> bytes:
        """The command's standard output, as bytes."""
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdout", output)
            self(*words)
        output.flush()
        raw = output.detach()
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue()

    def create(self, name: str = "Laptop", *options: str) -> tuple[dict[str, Any], str]:
        """A new key and its secret."""
        made = self.json("keys", "create", name, *options)
        return made["key"], made["secret"]

    def refuse(self, *words: str) -> str:
        """The one sentence of a command that fails."""
        ran = self(*words, check=False)
        assert (ran.code, ran.out, ran.err.count("\n"), ran.err[:5]) == (1, "", 1, "ari: "), ran
        return ran.err[5:-1]

    def instance(self) -> Instance:
        """The instance itself, to prepare or look behind the commands; the caller closes it."""
        return Instance.open(load_settings(), migrate=True)


@pytest.fixture
def ari(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ari:
    """The command line on a new, migrated instance on SQLite, with a clock that tests move."""
    given = [name for name in os.environ if name.startswith("ARI_") or name == "ALLOWED_IPS"]
    base_urls = [one.base_url_variable for one in providers().values() if one.base_url_variable is not None]
    for name in (*given, *key_variables(), *base_urls):
        monkeypatch.delenv(name, raising=False)
    clock = Clock(tmp_path / "clock")
    monkeypatch.setenv("ARI_DATA_DIR", str(data_dir))
    monkeypatch.setenv("ARI_TEST_CLOCK_FILE", str(clock.path))

    def run(words: Sequence[str], stdin: io.StringIO) -> Ran:
        monkeypatch.setattr("sys.argv", ["ari", *words])
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Ran(int(ended.value.code or 0), shown.out, shown.err)

    prepare(data_dir, None)
    return Ari(data_dir, clock, run)


@pytest.fixture
def owned_ari(ari: Ari) -> Ari:
    """An instance with an owner who is signed in."""
    instance = ari.instance()
    add_owner(instance)
    instance.close()
    return ari
