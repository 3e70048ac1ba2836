"""Commands whose help shows no type behind a flag: it takes no value."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

F = TypeVar("F", bound=Callable[..., Any])


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return hide_flag_types(super().get_params(ctx))


class CommandGroup(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return hide_flag_types(super().get_params(ctx))


class CommandApp(typer.Typer):
    """A group of commands."""

    def __init__(self, *, cls: type[CommandGroup] = CommandGroup, **options: Any) -> None:
        super().__init__(cls=cls, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        return super().command(name, cls=_Command, **options)


def hide_flag_types(parameters: list[Any]) -> list[Any]:
    """The same parameters; the flags among them show ``--json`` in place of ``--json <bool>``."""
    for one in parameters:
        if isinstance(one, TyperOption) and one.is_flag:
            one.metavar = ""
    return parameters
