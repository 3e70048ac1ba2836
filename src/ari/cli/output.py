"""What commands print: tables for people, tab-separated lines for pipes, JSON for machines.

Callers' texts pass ``clean``: a name or a user agent cannot colour, move or reverse the terminal (security.md 22).
"""
# Imports inside functions here: start-up speed (rich is loaded only at a terminal).

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_rfc3339
from ari.base.errors import Conflict

_JOINERS = "\u200c\u200d"
"""Invisible letters that scripts and emoji need."""
_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_UNITS = ((365 * DAY_MS, "year"), (DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second"))


def at_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def clean(text: object) -> str:
    """The text with control, bidi and other invisible characters written as escapes such as ``\\x1b``."""
    return "".join(_escaped(letter) if _is_unsafe(letter) else letter for letter in str(text))


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSAFE and letter not in _JOINERS


def _escaped(letter: str) -> str:
    number = ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def say(sentence: str = "") -> None:
    """One line on standard output."""
    print(clean(sentence), flush=True)


def tell(sentence: str) -> None:
    """One line on standard error, for what must not mix with the result."""
    print(clean(sentence), file=sys.stderr, flush=True)


def secret(text: str) -> None:
    """A secret alone on its line of standard output."""
    print(text, flush=True)


def as_json(value: Any, one_line: bool = False) -> None:
    """JSON in ASCII (so nothing in it can act on a terminal), indented for people."""
    print(json.dumps(value, indent=2 if at_terminal() and not one_line else None), flush=True)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str, droppable: int = 0) -> None:
    """A drawn table at a terminal; elsewhere one tab-separated line a row, never cut, after a line of headers.

    Where the terminal is too narrow, as many of the last ``droppable`` columns as needed are left out.
    """
    if not at_terminal():
        for row in (headers, *rows):
            print("\t".join(clean(cell) for cell in row))
        sys.stdout.flush()
        return
    listed = [[clean(cell) for cell in row] for row in rows]
    if not listed:
        say(empty)
        return
    console = _console()
    widths = [max(len(cell) for cell in column) + 3 for column in zip(headers, *listed, strict=True)]
    shown = len(headers)
    while shown > len(headers) - droppable and sum(widths[:shown]) > console.width:
        shown -= 1
    console.print(_drawn(headers[:shown], [row[:shown] for row in listed]))


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn


def line(cells: Sequence[object]) -> None:
    """One row of a list that grows while it is read."""
    print(("  " if at_terminal() else "\t").join(clean(cell) for cell in cells), flush=True)


def facts(pairs: Sequence[tuple[str, object]]) -> None:
    """Names and values below each other; tab-separated when piped."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        print(f"{name:<{width}}  {clean(value)}" if at_terminal() else f"{name}\t{clean(value)}")
    sys.stdout.flush()


def panel(title: str, body: str) -> None:
    """A small frame around one line that matters; at a terminal only."""
    from rich.panel import Panel
    from rich.text import Text

    shown = Text(body, style="bold", no_wrap=True, overflow="fold")
    _console().print(Panel(shown, title=Text(clean(title)), expand=False))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a change that cannot be undone; ``yes`` is the option ``--yes``, which answers in advance.

    Raises ``Conflict`` if the answer is not yes, or if nobody can answer because this is not a terminal.
    """
    if yes:
        return
    if not can_ask():
        raise Conflict("not_confirmed", f"Nothing was changed, because nobody can answer here: {question} Add --yes.")
    print(f"{clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Conflict("not_confirmed", "Nothing was changed.")


def when(at_ms: int | None, now_ms: int, never: str = "never") -> str:
    """An instant: relative for people, RFC 3339 for pipes."""
    if at_ms is None:
        return never
    return relative(at_ms, now_ms) if at_terminal() else to_rfc3339(at_ms)


def exactly(at_ms: int | None, now_ms: int, never: str = "never") -> str:
    """An instant in RFC 3339, with how far away it is for people."""
    if at_ms is None:
        return never
    return f"{to_rfc3339(at_ms)} ({relative(at_ms, now_ms)})" if at_terminal() else to_rfc3339(at_ms)


def relative(at_ms: int, now_ms: int) -> str:
    """Such as ``in 3 days``, ``5 minutes ago`` or ``now``, rounded in the largest unit that fits."""
    distance = abs(at_ms - now_ms)
    for length, unit in _UNITS:
        if distance >= length:
            count = (distance + length // 2) // length
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if at_ms > now_ms else f"{words} ago"
    return "now"


def _console() -> Any:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)
