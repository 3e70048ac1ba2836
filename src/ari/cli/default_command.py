"""A group of commands that runs one of them where none is named: ``ari events --json`` lists."""

from typing import Any

from ari.cli.command_app import CommandGroup


def group_with_default(name: str) -> type[CommandGroup]:
    """A class of groups whose command ``name`` runs unless the first word is another command or asks for help.

    A group with ``no_args_is_help`` lists its commands if no word follows.
    """

    class GroupWithDefault(CommandGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args and self.no_args_is_help:
                return super().parse_args(ctx, args)
            is_named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
            return super().parse_args(ctx, args if is_named else [name, *args])

    return GroupWithDefault
