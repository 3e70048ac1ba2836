"""A command imports itself only, and its line in the list is its own."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer

from ari.cli.lazy_commands import LazyCommand, load_all
from ari.cli.main import app


def test_help_imports_no_command() -> None:
    """``ari --help`` lists every command without importing one."""
    script = (
        "import sys; from ari.cli.main import app; before = set(sys.modules); app(['--help'], standalone_mode=False); "
        "print(sorted(name for name in sys.modules if name.startswith('ari.') and name not in before), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Create, import, list, change, revoke and delete API keys." in ran.stdout
    assert ran.stderr.strip() == "[]"


def _list_lazy(group: Any) -> Iterator[LazyCommand]:
    """All lazy commands below a group, whether or not they are loaded."""
    for command in getattr(group, "lazy", ()):
        yield command
        yield from _list_lazy(command.load())


def _walk(command: Any) -> Iterator[Any]:
    for one in getattr(command, "commands", {}).values():
        yield one
        yield from _walk(one)


def test_the_list_says_what_each_command_says() -> None:
    """The list begins a command's own help, which only its module knows."""
    stubs = list(_list_lazy(typer.main.get_command(app)))
    assert len(stubs) > 40
    for stub in stubs:
        assert stub.help
        assert stub.load().help.split("\n\n")[0].replace("\n", " ").strip() == stub.help


def test_all_commands_can_be_loaded_at_once() -> None:
    """At any depth, as the generated docs need them."""
    tree: Any = load_all(app)
    assert not any(isinstance(command, LazyCommand) for command in _walk(tree))
    assert "increase" in tree.commands["keys"].commands["budgets"].commands
