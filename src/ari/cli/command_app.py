"""Commands that start fast, and whose help shows no type behind a flag: it takes no value."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

F = TypeVar("F", bound=Callable[..., Any])


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return hide_flag_types(convert_plainly(super().get_params(ctx)))


class CommandGroup(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return hide_flag_types(convert_plainly(super().get_params(ctx)))


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


@dataclass(frozen=True)
class _PlainConversion:
    """Converts the words of one parameter. Fulfills Typer's ``RuntimeParam``."""

    convert: Callable[[Any], Any]
    is_list: bool

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - Typer's signature
        """The converted value. Raises ``typer.BadParameter``."""
        if value is None:
            return () if self.is_list else None
        return [self.convert(one) for one in value] if self.is_list else self.convert(value)


def convert_plainly(parameters: list[Any]) -> list[Any]:
    """The same parameters; text, flags, paths and what has a parser are converted without Pydantic.

    Typer imports it for the first parameter and builds a model for each, which takes 0.1 s of every command.
    """
    for one in parameters:
        described = getattr(one, "type_descriptor", None)
        if described is not None:
            is_list = get_origin(described.annotation) is list
            annotation = get_args(described.annotation)[0] if is_list else described.annotation
            convert = described.parameter_info.parser or _CONVERSIONS.get(annotation)
            if convert is not None:
                one._runtime_param = _PlainConversion(convert, is_list)
    return parameters


def _convert_flag(value: Any) -> bool:
    return bool(value)


_CONVERSIONS: dict[Any, Callable[[Any], Any]] = {str: str, Path: Path, bool: _convert_flag}
