"""Start, version, help and failures of the command line."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from ari import __version__
from ari.base.errors import Unavailable
from ari.cli import main as main_module
from ari.cli.main import main
from ari.keys import token
from tests.support.command import Cli
from tests.unit.cli.conftest import Ari

HEAVY = ("sqlalchemy", "alembic", "pydantic", "fastapi", "starlette", "granian", "rich", "argon2", "jinja2")


def test_version(cli: Cli) -> None:
    """``ari --version`` names the program and its version."""
    assert cli("--version", check=True).stdout == f"ari {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    """A command line that only parses words does not pay for databases and web frameworks."""
    script = f"import sys; import ari.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [(), ("serve",), ("keys",), ("keys", "create"), ("usage", "erase"), ("doctor",)])
def test_every_command_explains_itself(cli: Cli, words: tuple[str, ...]) -> None:
    """Help works everywhere, by the name of the program."""
    assert f"Usage: ari {' '.join(words)}".strip() in cli(*words, "-h", check=True).stdout


@pytest.mark.parametrize("words", [("keys", "creat"), ("keys", "create"), ("serve", "--nope"), ("keys", "list", "x")])
def test_usage_errors_are_exit_code_2(cli: Cli, words: tuple[str, ...]) -> None:
    """Wrong usage has another status than a failure; both go to standard error."""
    ran = cli(*words)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr


def test_a_failure_is_one_plain_sentence(cli: Cli) -> None:
    """Exit code 1, one line on standard error, nothing on standard output."""
    ran = cli("keys", "list")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("ari: No ARI data in ")
    assert ran.stderr.count("\n") == 1


def _make_failing(error: Exception) -> Callable[..., NoReturn]:
    def fail(**_: Any) -> NoReturn:
        secret = "local".upper()  # noqa: F841 - what a traceback with locals would show
        raise error

    return fail


@pytest.mark.parametrize("other_kind", [False, True])
@pytest.mark.parametrize(
    "words", [(), ("keys", "verify"), ("--key-file",), ("--url", "http://127.0.0.1:1", "--key-file"), ("keys", "--")]
)
def test_a_key_in_the_wrong_place_is_not_repeated(ari: Ari, words: tuple[str, ...], other_kind: bool) -> None:
    """Not in messages about wrong usage and not in failures: they end up in the logs of CI systems."""
    secret = token.mint("acme_live_") if other_kind else token.mint()
    ran = ari(*words, secret, *(("keys", "list") if words[-1:] == ("--key-file",) else ()), check=False)
    assert ran.code in (1, 2)
    assert ran.err
    unframed = "".join(letter for letter in ran.err if letter.isalnum() or letter == "_")
    assert secret[:-10] not in unframed
    assert secret not in ran.out


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("{ari} keys list >/dev/full", 1, "ari: Can't write: No space left on device.\n"),
        ("{ari} keys list >&-", 1, "ari: Standard output is closed. Nothing was done.\n"),
        ("{ari} keys list 2>&- >/dev/null", 0, ""),
        ("{ari} keys list <&- >/dev/null", 0, ""),
    ],
)
def test_streams_that_cannot_be_used(cli: Cli, line: str, status: int, said: str) -> None:
    """One sentence, and no file gets the number of a closed stream."""
    cli("migrate", check=True)
    command = line.format(ari=f"{sys.executable} -m ari")
    ran = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=cli.environment, cwd=cli.folder, check=False
    )
    assert (ran.returncode, ran.stderr) == (status, said)


def test_a_reader_that_has_left_ends_with_141(monkeypatch: pytest.MonkeyPatch, ari: Ari) -> None:
    """As shells report SIGPIPE, although Typer would end with 1."""

    def leave(*_: Any, **__: Any) -> NoReturn:
        raise BrokenPipeError

    monkeypatch.setattr("ari.cli.list_keys.show_list", leave, raising=False)
    monkeypatch.setattr("ari.cli.key_output.show_list", leave)
    ran = ari("keys", "list", check=False)
    assert (ran.code, ran.err) == (141, "")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_new_secret_that_cannot_be_printed_names_its_key(cli: Cli, options: tuple[str, ...]) -> None:
    """The key exists and nobody has its secret, so someone must revoke it."""
    cli("migrate", check=True)
    words = shlex.join([sys.executable, "-m", "ari", "keys", "create", "Lost", *options])
    ran = subprocess.run(
        ["sh", "-c", f"{words} >/dev/full"],
        capture_output=True,
        text=True,
        env=cli.environment,
        cwd=cli.folder,
        check=False,
    )
    [key] = cli.json("keys", "list")["items"]
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert f"{key['id']} has a new secret, which wasn't shown and is lost" in ran.stderr


@pytest.mark.parametrize("level", ["info", "debug"])
def test_an_unexpected_error_shows_no_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """One line; the traceback only on request, and never the values of variables."""
    monkeypatch.setenv("ARI_LOG_LEVEL", level)
    monkeypatch.setattr(main_module, "app", _make_failing(KeyError("x")))
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr().err
    assert ended.value.code == 1
    assert "ari: Unexpected error (KeyError)" in shown
    assert ("Traceback" in shown) == (level == "debug")
    assert shown.count("\n") == 1 or level == "debug"
    assert "LOCAL" not in shown


def test_an_expected_error_shows_no_traceback_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ARI's own errors are their sentence, at any log level."""
    monkeypatch.setenv("ARI_LOG_LEVEL", "debug")
    monkeypatch.setattr(main_module, "app", _make_failing(Unavailable("The disk is full. Nothing was changed.")))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "ari: The disk is full. Nothing was changed.\n"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("granian", "ari: The Python package granian is missing. Run: pip install ari-keys\n"),
        ("ari.gone", "ari: Unexpected error (ModuleNotFoundError). Set ARI_LOG_LEVEL=debug for details.\n"),
    ],
)
def test_a_missing_package_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    """Commands are imported when they are called, so a package can turn out to be missing late."""
    monkeypatch.setattr(main_module, "app", _make_failing(ModuleNotFoundError("No module", name=name)))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == shown


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted command ends with 130 and without a traceback."""

    def interrupt(**_: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module, "app", interrupt)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("module", ["ari.cli.main", "typer", "ari.base.settings"])
def test_ctrl_c_before_the_command_runs_ends_quietly(module: str) -> None:
    """Importing takes most of the time of a command, so most interrupts come then."""
    program = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from ari.__main__ import main\n"
        "sys.argv = ['ari', 'keys', 'list']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_reader_that_leaves_early_is_no_error(cli: Cli) -> None:
    """``ari … | head -1`` prints no complaint."""
    cli("migrate", check=True)
    for number in range(3):
        cli.create_key(f"key {number}")
    line = f"{sys.executable} -m ari keys list --json | head -c 1"
    ran = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=cli.environment, cwd=cli.folder, check=True
    )
    assert ran.stdout == "{"
    assert ran.stderr == ""


def test_a_terminal_without_unicode_does_not_crash_it(cli: Cli) -> None:
    """An ASCII terminal gets escapes."""
    cli("migrate", check=True)
    cli("keys", "create", "日本", check=True)
    ran = cli("keys", "list", check=True, settings={"PYTHONIOENCODING": "ascii"})
    assert "\\u65e5\\u672c" in ran.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("events", "--limit", "0"),
        ("usage", "--limit", "many"),
        ("usage", "export", "--format", "xml"),
        ("keys", "list", "--status", "dead"),
        ("audit", "prune", "--days", "1"),
        ("serve", "--port", "http"),
        ("serve", "--workers", "1.5"),
    ],
)
def test_a_wrong_value_is_explained_in_our_words(ari: Ari, words: tuple[str, ...]) -> None:
    """Not in those of the library that reads the options."""
    ran = ari(*words, check=False)
    assert ran.code == 2
    assert "must be a whole number" in ran.err or "choose " in ran.err
    assert "Input should" not in ran.err
    assert "Value error" not in ran.err
