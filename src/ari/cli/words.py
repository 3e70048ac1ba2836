"""The times, numbers and choices that people type."""

import re
from collections.abc import Callable

import typer

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_rfc3339

_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def instant(text: str | None, option: str) -> int | None:
    """Milliseconds of an RFC 3339 time. Raises ``typer.BadParameter`` naming the option."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("give a time such as 2030-01-31T12:00:00Z.", param_hint=option) from None


def since(text: str | None, now_ms: int) -> int | None:
    """Milliseconds of an RFC 3339 time, or of a span before now such as ``24h``. Raises ``typer.BadParameter``."""
    span = _SPAN.fullmatch(text or "")
    if span is not None:
        return max(0, now_ms - int(span[1]) * _UNITS[span[2]])
    try:
        return instant(text, "--since")
    except typer.BadParameter:
        raise typer.BadParameter("give a span such as 24h, or a time such as 2030-01-31T12:00:00Z.") from None


def whole_number(least: int | None = None) -> Callable[[str], int]:
    """A parser of an option's number, which explains errors in our words, not in the library's."""
    words = "give a whole number." if least is None else f"give a whole number, {least} or more."

    def parse(text: str) -> int:
        if not _NUMBER.fullmatch(str(text)) or (least is not None and int(text) < least):
            raise typer.BadParameter(words)
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser of an option that takes one of these words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"choose {', '.join(choices[:-1])} or {choices[-1]}.")
        return text

    return parse
