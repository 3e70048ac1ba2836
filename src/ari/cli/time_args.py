"""Parse times, numbers and choices from the command line."""

import re
from collections.abc import Callable

import typer

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_rfc3339

_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def instant(text: str | None, option: str) -> int | None:
    """An RFC 3339 time in milliseconds. Raises ``typer.BadParameter`` that names the option."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("use a time such as 2030-01-31T12:00:00Z.", param_hint=option) from None


def parse_time(text: str | None) -> int | None:
    """A time of the API in milliseconds."""
    return None if text is None else from_rfc3339(text)


def since(text: str | None, now_ms: int) -> int | None:
    """An RFC 3339 time, or a duration before now such as ``24h``, in milliseconds. Raises ``typer.BadParameter``."""
    span = _SPAN.fullmatch(text or "")
    if span is not None:
        return max(0, now_ms - int(span[1]) * _UNITS[span[2]])
    try:
        return instant(text, "--since")
    except typer.BadParameter:
        raise typer.BadParameter(
            "use a duration such as 24h, or a time such as 2030-01-31T12:00:00Z.", param_hint="--since"
        ) from None


def whole_number(least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """A parser for a whole number with a clearer error than the library's."""
    words = "must be a whole number." if least is None else f"must be a whole number, {least} or more."
    if most is not None:
        words = f"must be a whole number from {least} to {most}."

    def parse(text: str) -> int:
        if not _NUMBER.fullmatch(str(text)):
            raise typer.BadParameter(words)
        number = int(text)
        if (least is not None and number < least) or (most is not None and number > most):
            raise typer.BadParameter(words)
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser for one of these choices."""

    def parse(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"choose {', '.join(choices[:-1])} or {choices[-1]}.")
        return text

    return parse
