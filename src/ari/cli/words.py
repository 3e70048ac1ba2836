"""The times that people type."""

import re

import typer

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_rfc3339

_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
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
