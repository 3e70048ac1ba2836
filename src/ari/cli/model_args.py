"""Options of commands that set the AI models of a key or consumer."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from ari.keys.unset import UNSET, Unset

AllowModels = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-model",
        metavar="PATTERN",
        help="Allow AI models, such as openai/gpt-5*; repeat for more.",
        show_default=False,
    ),
]
DenyModels = Annotated[
    list[str] | None,
    typer.Option(
        "--deny-model",
        metavar="PATTERN",
        help="Deny AI models, even if they are allowed; repeat for more.",
        show_default=False,
    ),
]


def make_model_rules(allow: Sequence[str] | None, deny: Sequence[str] | None) -> dict[str, list[str]] | None:
    """The rules, ``None`` without options; an empty pattern is none."""
    rules = {"allow": [one for one in allow or () if one], "deny": [one for one in deny or () if one]}
    return rules if any(rules.values()) else None


def choose_model_rules(allow: Sequence[str] | None, deny: Sequence[str] | None) -> dict[str, list[str]] | Unset | None:
    """The same, ``UNSET`` without options."""
    return UNSET if allow is None and deny is None else make_model_rules(allow, deny)


def describe_models(rules: Mapping[str, Sequence[str]] | None) -> str:
    """The rules in words."""
    if rules is None:
        return "all"
    allowed = ", ".join(rules["allow"]) or "all"
    return f"{allowed} except {', '.join(rules['deny'])}" if rules["deny"] else allowed
