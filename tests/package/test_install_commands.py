"""Every command that the docs, the pages or an error give for installing is run here, unchanged."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.package.conftest import NOT_SOURCES, ROOT, run
from tests.package.test_locks import project

pytestmark = pytest.mark.slow

INSTALLERS = r"pip3?|pipx|uv|uvx|poetry|conda|npm|npx|pnpm|yarn|apt|apt-get|brew|docker|podman|helm|cargo|gem"
COMMAND = re.compile(
    rf"(?<![\w./-])(?:sudo )?(?:python3? -m )?(?:{INSTALLERS}) (?:install|i|add|get|run|pull|tool|pip)\b[^`\n\\.,;]*"
    r"(?:(?:[.,](?=\S)|(?<=-e )\.)[^`\n\\,;]*)*|(?<![\w./-])(?:uvx|npx) \S+[^`\n]*|git clone [^`\n]*"
)
CHECKOUT = "git clone <this repository> ari && cd ari"
PLAIN = "pip install ari-keys"
UPGRADE = "pip install --upgrade ari-keys"
BY_TOOLS = {
    "uvx --from ari-keys ari serve",
    "uvx --from ari-keys@latest ari serve",
    "uvx --from . ari serve",
    "uv tool install ari-keys",
    "pipx install ari-keys",
}
"""Run by ``test_tools.py``."""
HERE = "pip install ."
DEVELOPERS = "pip install -e . hatchling watchfiles"
SYSTEM_PACKAGE = "apt install lua-socket"
"""Debian's, which ``tests/system.sh`` installs for the tests of Apache."""
SERVER_PACKAGES = "sudo apt install ufw python3-venv caddy"
"""Debian's and Ubuntu's own."""
RSYSLOG = "apt-get install rsyslog rsyslog-gnutls"
"""Debian's, which ``tests/system.sh`` installs for the tests of copies of the audit log."""
RECEIVERS = "pip install standardwebhooks"
"""ARI's own requirement, at the version that its lock names."""
EXAMPLE = "pip install fastapi uvicorn standardwebhooks"
"""What ``examples/webhook_receiver`` imports, and what serves it."""
EXTRAS = re.compile(r'pip install "(ari-keys(?:-core)?)\[([a-z0-9,-]+)\]"')
"""``test_extras.py`` installs each extra of ``ari-keys-core`` alone."""
POSTGRES = 'pip install "ari-keys[postgres]"'
IN_SOURCES = re.compile(r"""pip install '[^']*'|pip install "[^"]*"|pip install [\w-]+""")


def _find_commands() -> Iterator[tuple[str, str]]:
    """A command and its place."""
    docs = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    pages = [
        path for path in (ROOT / "src/ari").rglob("*") if path.suffix in (".html", ".js") and "static" not in path.parts
    ]
    for path in [*docs, *pages]:
        for found in COMMAND.finditer(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), found[0].strip()
    for path in (ROOT / "src/ari").rglob("*.py"):
        for found in IN_SOURCES.finditer(path.read_text(encoding="utf-8")):
            yield (
                str(path.relative_to(ROOT)),
                re.sub(r"[.]$", "", found[0]).replace("{distribution}[{extra}]", "ari-keys-core[client]"),
            )


@pytest.fixture(scope="session")
def ready(make_environment: Callable[[], Path]) -> Path:
    """The ``bin`` folder of an environment with everything but ARI in it."""
    return make_environment()


def _type(command: str, bin_folder: Path, folder: Path, **variables: str) -> None:
    """Run a command as people type it in an active environment; pip comes from the tests' own."""
    pip = f'"{sys.executable}" -m pip --disable-pip-version-check --python "{bin_folder / "python"}"'
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", **variables}
    script = re.sub(r"^pip ", f"{pip} ", command)
    done = subprocess.run(["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def _is_ari(bin_folder: Path) -> bool:
    shown = run(
        bin_folder / "python",
        "-c",
        "import ari, importlib.metadata as m; print(m.version('ari-keys'), ari.__version__)",
    )
    name, version = shown.split()
    return name == version and run(bin_folder / "ari", "--version") == f"ari {version}\n"


def test_every_given_command_is_run_here() -> None:
    """A command that nobody ran may install somebody else's package: ``ari`` on the index is not this one."""
    commands = list(_find_commands())
    others = {command for _, command in commands if not EXTRAS.fullmatch(command)}
    assert others == {
        CHECKOUT,
        PLAIN,
        UPGRADE,
        *BY_TOOLS,
        HERE,
        DEVELOPERS,
        SYSTEM_PACKAGE,
        SERVER_PACKAGES,
        RSYSLOG,
        RECEIVERS,
        EXAMPLE,
    }, commands
    assert "\nstandardwebhooks==" in (ROOT / "requirements/run.txt").read_text()
    assert POSTGRES in {command for _, command in commands}
    assert SYSTEM_PACKAGE.removeprefix("apt ") in (ROOT / "tests/system.sh").read_text()


def test_every_given_extra_exists() -> None:
    """pip only warns about an extra that doesn't exist."""
    folders = {"ari-keys": ROOT, "ari-keys-core": ROOT / "packages/ari-keys-core"}
    named = {found for _, command in _find_commands() for found in EXTRAS.findall(command)}
    assert {name for name, _ in named} == set(folders)
    for name, extras in named:
        assert {*extras.split(",")} <= project(folders[name])["project"]["optional-dependencies"].keys()


def test_the_distribution_has_a_name_of_its_own() -> None:
    """No text names the one that belongs to others."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src/ari").rglob("*.py")]:
        assert not re.search(r"\binstall\b[^\n]*\bari(\[|['\"\s]*$)", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("command", [HERE, DEVELOPERS])
def test_a_checkout(command: str, ready: Path, tmp_path: Path) -> None:
    """Cloned and installed in its folder. The copy has the browser's files, which the wheel's test bundles."""
    tree = tmp_path / "ari"
    kept = tuple(name for name in NOT_SOURCES if name not in ("static", ".git"))
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*kept))
    _type(command, ready, tree)
    assert _is_ari(ready)


@pytest.mark.parametrize("command", [PLAIN, UPGRADE, POSTGRES])
def test_an_index(command: str, wheel: Path, ready: Path, tmp_path: Path) -> None:
    """Installed from a folder with the wheel, in place of an index; everything else is there already."""
    _type(command, ready, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent))
    assert _is_ari(ready)
    run(ready / "python", "-c", "import psycopg")


def test_cloning(tmp_path: Path) -> None:
    """The command leads into a checkout that has the program's Makefile."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    _type(CHECKOUT.replace("<this repository>", f'"{ROOT}"') + " && test -f Makefile", Path("/"), tmp_path)
