"""Programs of other makers that the guides name, in environments of their own (``make programs``)."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.missing import skip_missing

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "programs"
FOLDER = ROOT / "build" / "programs"
PYTHON = FOLDER / "python" / "bin" / "python"
PACKAGES = FOLDER / "node" / "node_modules"
_HINT = "make programs installs it"


def find_python() -> str:
    """The Python that has the libraries; the test is skipped without it."""
    return _require(PYTHON, "the environment of the guides' Python libraries")


def find_node() -> str:
    """The Node.js that the build uses; the test is skipped without the packages."""
    from hatch_build import node_and_npm

    _require(PACKAGES / "openai", "the guides' npm packages")
    return node_and_npm()[0]


def find_program(name: str) -> str:
    """A command of an npm package; the test is skipped without it."""
    return _require(PACKAGES / ".bin" / name, name)


def _require(path: Path, what: str) -> str:
    if not path.exists():
        skip_missing(f"Not found: {what} - {_HINT}")
    return str(path)


def install_npm_packages(folder: Path) -> None:
    """Install the locked packages. The only script that runs is Claude Code's, which puts its program in place."""
    sys.path.insert(0, str(ROOT))
    from hatch_build import node_and_npm

    node, npm = node_and_npm()
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, folder / name)
    subprocess.run([*npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=folder, check=True)
    script = folder / "node_modules" / "@anthropic-ai" / "claude-code" / "install.cjs"
    subprocess.run([node, str(script)], cwd=folder, check=True)


if __name__ == "__main__":
    install_npm_packages(Path(sys.argv[1]))
