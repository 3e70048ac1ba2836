"""A command starts at once, because it imports what it needs and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instances import prepare
from tests.support.ports import free_port

SLOW = [
    "aiohttp",
    "alembic",
    "fastapi",
    "jinja2",
    "pygments",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "starlette",
    "structlog",
]
"""Libraries that take 30 ms or more, and that no command below needs."""
DATABASE = ["pydantic", "sqlalchemy"]
SCRIPT = (
    "import sys; from ari.cli.main import main\n"
    "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code or 0, file=sys.stderr)\n"
    "print(*(name for name in {names!r} if name in sys.modules), file=sys.stderr)"
)


def list_imported(words: tuple[str, ...], data_dir: Path, names: list[str], **settings: str) -> tuple[int, list[str]]:
    """The exit code of a command in a new process, and those of the modules that it imported."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(names=names), *words],
        env={"ARI_DATA_DIR": str(data_dir), "PATH": "", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    code, imported = ran.stderr.split("\n")[-3:-1]
    return int(code), imported.split()


@pytest.mark.parametrize("words", [("keys", "list"), ("usage", "--json"), ("integrations", "list")])
def test_a_command_on_a_data_directory_imports_no_server(words: tuple[str, ...], data_dir: Path) -> None:
    """Neither an HTTP client, nor templates, nor what only a terminal or a log needs."""
    prepare(data_dir, None)
    assert list_imported(words, data_dir, SLOW) == (0, [])


@pytest.mark.parametrize(
    ("words", "code"), [(("keys", "create", "--help"), 0), (("keys", "create"), 2), (("nothing",), 2)]
)
def test_help_and_mistakes_open_nothing(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """They need no database."""
    names = [*DATABASE, *(name for name in SLOW if name not in ("rich", "pygments"))]
    assert list_imported(words, tmp_path / "none", names) == (code, [])


@pytest.mark.parametrize(
    "words", [("keys", "list"), ("usage", "summary"), ("apply", "apply.json"), ("integrations", "list")]
)
def test_a_remote_command_imports_no_database(words: tuple[str, ...], tmp_path: Path) -> None:
    """Nor the settings of a server. Nobody listens at the URL, so it fails after it has imported everything."""
    (tmp_path / "apply.json").write_text('{"scopes": {"orders:read": "List orders."}}')
    given = tuple(str(tmp_path / word) if word.endswith(".json") else word for word in words)
    names = [*SLOW, *DATABASE, "argon2", "ari.instance", "ari.storage"]
    url = f"http://127.0.0.1:{free_port()}"
    assert list_imported(given, tmp_path, names, ARI_URL=url, ARI_KEY="k") == (1, [])
