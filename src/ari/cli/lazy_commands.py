"""Commands that are imported when they are called: a command pays only for itself when it starts."""

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand
from typer.main import get_command, get_group

from ari.cli.command_app import CommandApp, CommandGroup


class LazyCommand(TyperCommand):
    """A command or group in its parent's list, imported when it is called. ``place`` is ``module:name``."""

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, callback=None, help=sentence)
        self._place = place

    def load(self) -> Any:
        """Import the command itself."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
            command.help = self.help
        else:
            app = CommandApp(add_completion=False)
            app.command(self.name)(found)
            command = get_command(app)
        command.name = self.name
        return command

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Called by the parent for the chosen command only."""
        return self.load().make_context(*args, **options)


class LazyGroup(CommandGroup):
    """A group whose commands are the class's ``lazy``."""

    lazy: ClassVar[tuple[LazyCommand, ...]] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {**self.commands, **{str(one.name): one for one in self.lazy}}


def list_lazy(*commands: tuple[str, str, str]) -> tuple[LazyCommand, ...]:
    """Commands by name, place below ``ari.cli`` and the first sentence of their help."""
    return tuple(LazyCommand(name, f"ari.cli.{place}", sentence) for name, place, sentence in commands)


def load_all(app: typer.Typer) -> Any:
    """The whole tree of commands, imported: for the docs and for tests that walk it."""
    root: Any = get_command(app)
    _load_below(root)
    return root


def _load_below(group: Any) -> None:
    """Put the loaded commands in the place of the lazy ones, at any depth."""
    for name, command in getattr(group, "commands", {}).items():
        loaded = command.load() if isinstance(command, LazyCommand) else command
        group.commands[name] = loaded
        _load_below(loaded)
