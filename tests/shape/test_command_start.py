"""A command starts at once, because it imports what it needs and nothing else."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ari import keys
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
NOT_OF_A_LIST = [
    "argon2",
    "cryptography",
    "dotenv",
    "pydantic_settings",
    "zxcvbn",
    "ari.accounts.password",
    "ari.api",
    "ari.gateway",
    "ari.http",
    "ari.keys.commands.consumers",
    "ari.keys.commands.create",
    "ari.keys.commands.import_keys",
    "ari.keys.commands.kinds",
    "ari.outbound",
    "ari.server",
    "ari.storage.backup",
    "ari.storage.checkup",
    "ari.storage.database_url",
    "ari.storage.failover.heartbeat",
    "ari.storage.failover.link",
    "ari.storage.lookups",
    "ari.storage.preflight",
    "ari.storage.stores.accounts",
    "ari.storage.usage.retention",
    "ari.usage.recorder",
    "ari.usage.search",
    "ari.usage.watch.bursts",
    "ari.web",
]
"""What listing keys needs neither: the hot path, the doors, PostgreSQL, backups, and what creates a key."""
MOST_MODULES = 180
"""Of ARI's own, for a list of keys; each takes 0.5 ms or more. It was 298 when each package imported all of itself."""
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


def test_a_list_of_keys_imports_a_part_of_ari(data_dir: Path) -> None:
    """``keys list`` is what people type most, so it imports its own stores, reports and options only."""
    prepare(data_dir, None)
    names = [*NOT_OF_A_LIST, *(name for name in list_modules() if name not in NOT_OF_A_LIST)]
    code, imported = list_imported(("keys", "list"), data_dir, names)
    assert code == 0
    assert [name for name in imported if name in NOT_OF_A_LIST] == []
    assert 100 < len(imported) <= MOST_MODULES


def test_no_command_looks_for_plugins(data_dir: Path) -> None:
    """Pydantic would search each distribution that is installed, and run what it finds there."""
    prepare(data_dir, None)
    script = (
        "import importlib.metadata, sys\n"
        "def find(**given): raise SystemExit(f'looked for {given}')\n"
        "importlib.metadata.entry_points = find\n"
        "sys.argv = ['ari', 'keys', 'list']; from ari.__main__ import main; main()"
    )
    environment = {"ARI_DATA_DIR": str(data_dir), "PATH": ""}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def list_modules() -> list[str]:
    """Every module of ARI."""
    root = Path("src/ari")
    found = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in found)


def test_every_key_command_has_its_place() -> None:
    """``ari.keys`` says twice where a name is from: for type checkers, and for the import when it is first used."""
    tree = ast.parse(Path("src/ari/keys/__init__.py").read_text())
    listed = next(one for one in ast.walk(tree) if isinstance(one, ast.Dict))
    names = {ast.literal_eval(one) for one in listed.keys if one is not None}
    places = {
        alias.name: str(one.module)
        for one in ast.walk(tree)
        if isinstance(one, ast.ImportFrom) and str(one.module).startswith("ari.keys.")
        for alias in one.names
    }
    assert names == places.keys()
    for name, module in places.items():
        assert getattr(keys, name) is getattr(import_module(module), name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(keys, "nothing")  # noqa: B009 - type checkers know that it isn't there


def test_a_server_imports_everything_before_it_serves(tmp_path: Path) -> None:
    """So no request waits for an import, and workers share the memory."""
    script = (
        "import sys; from pathlib import Path; from ari import server; from ari.base.settings import load_settings\n"
        "from ari.instance import Instance\n"
        f"instance = Instance.open(load_settings(data_dir=Path({str(tmp_path / 'data')!r})), check=False)\n"
        "server.build_app(instance); instance.close()\n"
        f"print(*(name for name in {list_modules()!r} if name not in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    late = ("ari.keys.", "ari.storage.lookups.", "ari.storage.stores.", "ari.storage.usage.", "ari.accounts.")
    assert [name for name in ran.stdout.split() if name.startswith(late)] == []


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
