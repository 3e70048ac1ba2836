"""The programs of the guide "Call ARI from Python" run as they are written, against a real server."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import self_signed

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "client.md"
PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)
URL = "https://keys.example.net"
KEY = "ari_k_…"


def test_every_program_runs(
    shared_owner: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other in one module, as a reader would paste them."""
    _, key = shared_owner.create_key("guide of the client", scopes=["*"])
    monkeypatch.chdir(tmp_path)
    self_signed(tmp_path / "company-ca.pem")
    shared_owner.cli("scopes", "add", "orders:read", "List orders.")
    module: dict[str, Any] = {}
    programs = PROGRAM.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(programs) > 5
    for number, program in enumerate(programs):
        source = program.replace(URL, shared_owner.url).replace(KEY, key)
        exec(compile(source, f"client.md, program {number}", "exec"), module)
    secret = shared_owner.create_key("a caller", scopes=["orders:read"])[1]
    assert module["find_caller"](secret) == "a caller"
    assert module["find_caller"]("ari_k_no") is None
    shown = capsys.readouterr().out
    assert "name " in shown, "the problem of the empty name"
    assert "True" in shown, "the asynchronous program found its key"
    assert (tmp_path / "usage.csv").stat().st_size > 0
    module["client"].close()
    module["internal"].close()


def test_the_program_of_the_readme(shared_owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key from the environment."""
    monkeypatch.setenv("ARI_KEY", shared_owner.create_key("readme", scopes=["*"])[1])
    [program] = [one for one in PROGRAM.findall((ROOT / "README.md").read_text()) if "ari.client" in one]
    module: dict[str, Any] = {}
    exec(program.replace(URL, shared_owner.url), module)
    assert module["created"].key.name == "Nightly export"
    module["client"].close()
