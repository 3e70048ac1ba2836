"""The commands in the README and the docs do what they say, on a real server."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import clean_environment
from tests.support.shell_command import shell_command

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(
    r"(?<![\w./-])(?:\.venv/bin/)?ari"
    r"(?= (?:keys|usage|doctor|backup|restore|events|audit|account|integrations|notifications|scopes|presets|apply)"
    r"| (?:me|migrate|models|prices|budgets|upstreams|kinds|consumers|--url))"
)
NOT_RUN = re.compile(r"ari serve|pip install|ari integrations test|/api/ai/(?:openai|anthropic)|codex exec")
"""Lines that start servers or install, which harness and package tests do, or that call a provider: those of the
gateway run against a stand-in in ``tests/doors/test_gateway_sdks.py`` and ``test_ai_programs.py``."""


def _run(owner: Any, script: str, ari: str = f'"{sys.executable}" -m ari', **variables: str) -> str:
    script = script.replace("http://127.0.0.1:3000", owner.url)
    script = COMMAND.sub(ari, script)
    done = subprocess.run(
        ["sh", "-euc", script],
        env={**owner.server.environment, **variables},
        cwd=owner.server.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_readmes_quickstart(owner: Any) -> None:
    """Create a key by the command line, call the API with it, see the request in the log."""
    text = (ROOT / "README.md").read_text()
    [script] = BLOCK.findall(text.split("<!-- quickstart -->")[1])[:1]
    output = _run(owner, script)
    me, end = json.JSONDecoder().raw_decode(output)
    assert me["key"]["name"] == "Automation Script"
    assert "/api/me" in output[end:]


PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", [name for name in PAGES if BLOCK.search((ROOT / name).read_text())])
def test_every_snippet_of_a_page_runs(owner: Any, name: str) -> None:
    """Each block of shell, but those that start servers or install."""
    _, secret = owner.create_key("reader", scopes=["*"])
    blocks = [block for block in BLOCK.findall((ROOT / name).read_text()) if not NOT_RUN.search(block)]
    for name in ("openai", "eu", "us"):
        (owner.server.folder / f"{name}.key").write_text(f"sk-proj-0123456789abcdefABCDEF{name}\n")
    with shell_command(owner.server.folder) as ari:
        for block in blocks:
            _run(owner, block, ari, ARI_API_KEY=secret)


FIRST = "ari migrate  #"


@pytest.mark.parametrize("name", [name for name in PAGES if FIRST in (ROOT / name).read_text()])
def test_the_first_step_of_a_guide_works_in_a_new_install(tmp_path: Path, name: str) -> None:
    """Before the first ``ari serve``: nothing made the data directory."""
    [first, *_] = [block for block in BLOCK.findall((ROOT / name).read_text()) if "ari scopes add" in block]
    script = "".join(line for line in first.splitlines(keepends=True) if "ari serve" not in line)
    with shell_command(tmp_path) as ari:
        done = subprocess.run(
            ["sh", "-euc", COMMAND.sub(ari, script)],
            env=clean_environment(tmp_path, {"ARI_DATA_DIR": str(tmp_path / "new")}),
            cwd=tmp_path,
            timeout=60,
        )
    assert done.returncode == 0


def test_the_readme_names_the_two_commands() -> None:
    """One to run, one to test."""
    text = (ROOT / "README.md").read_text()
    assert "$ make serve" in text
    assert "$ make test" in text
