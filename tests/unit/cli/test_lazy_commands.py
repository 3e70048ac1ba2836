"""A command imports itself only, and its line in the list is its own."""

import subprocess
import sys

import typer

from ari.cli.lazy_commands import LazyCommand
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


def test_the_list_says_what_each_command_says() -> None:
    """The list begins a command's own help, which only its module knows."""
    root = typer.main.get_command(app)
    stubs = [one for one in root.commands.values() if isinstance(one, LazyCommand)]  # type: ignore[attr-defined]  # a group
    assert len(stubs) > 20
    for stub in stubs:
        assert stub.help
        assert stub.load().help.split("\n\n")[0].replace("\n", " ").strip() == stub.help
