"""Print results: tables for people, tab-separated lines for pipes, JSON for programs.

Text from callers goes through ``clean``, so a name or a user agent can't control the terminal (security.md 22). People
see times in their own time zone, as ``date`` knows it; pipes and JSON get RFC 3339.
"""
# Imports inside functions here: start-up speed (rich is loaded only at a terminal).

import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_rfc3339
from ari.base.errors import AriError, Conflict

_JOINERS = "\u200c\u200d"
"""Invisible characters that some scripts and emoji need."""
_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_ONE_WORD = re.compile(r"[!-~]{1,512}")
_UNITS = ((365 * DAY_MS, "year"), (DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second"))


class OutputFailed(AriError):
    """Standard output can't be written."""


@contextmanager
def catch_lost_secret(owner_id: object, advice: str = "Rotate or revoke the key.") -> Iterator[None]:
    """Raise ``OutputFailed`` with the ID if a new secret can't be printed: its owner exists, unusable."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        discard()
        raise OutputFailed(
            f"Can't write the output ({error.strerror}). {owner_id} has a new secret, which wasn't shown and is lost. "
            f"{advice}"
        ) from None


def discard() -> None:
    """Drop what standard output hasn't written yet, or Python complains again while it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def at_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether someone can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def clean(text: object) -> str:
    """The text with control, bidi and other invisible characters escaped, as in ``\\x1b``."""
    return "".join(_escape(letter) if _is_unsafe(letter) else letter for letter in str(text))


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSAFE and letter not in _JOINERS


def _escape(letter: str) -> str:
    number = ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def say(sentence: str = "") -> None:
    """Print one line on standard output."""
    print(clean(sentence), flush=True)


def tell(sentence: str) -> None:
    """Print one line on standard error, to keep it out of the result. Whole keys in it are cut."""
    print(clean(_cut_secrets(sentence)), file=sys.stderr, flush=True)


def _cut_secrets(text: str) -> str:
    from ari.base.secrets_in_text import cut_secrets

    return cut_secrets(text)


def secret(text: object) -> None:
    """Print a secret on a line of its own on standard output."""
    print(require_word(text), flush=True)


def require_word(text: object) -> str:
    """The secret, if it is one word that can't control a terminal or be read as two lines. Raises ``AriError``."""
    if not isinstance(text, str) or not _ONE_WORD.fullmatch(text):
        raise AriError("The instance doesn't respond like ARI: its secret isn't one word of ASCII characters.")
    return text


def size(size_bytes: int) -> str:
    """A size for people, such as 1.5 MB."""
    for unit, length in (("GB", 1_000_000_000), ("MB", 1_000_000)):
        if size_bytes >= length:
            return f"{size_bytes / length:.1f} {unit}"
    return f"{max(1, round(size_bytes / 1000))} kB"


def as_json(value: Any, one_line: bool = False) -> None:
    """Print JSON in ASCII, so nothing in it can control a terminal; indented at a terminal."""
    print(json.dumps(value, indent=2 if at_terminal() and not one_line else None), flush=True)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str, droppable: int = 0) -> None:
    """Print a table at a terminal; elsewhere a header line and one tab-separated line per row, never truncated.

    ``lay_out`` fits it into the terminal; the ``droppable`` last columns are the least important.
    """
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if not at_terminal():
        for row in (headers, *cleaned):
            print("\t".join(row))
    elif cleaned:
        from ari.cli.table_layout import lay_out

        layout = lay_out(headers, cleaned, shutil.get_terminal_size().columns, droppable)
        print(*layout.lines, sep="\n", flush=True)
        if layout.hides_columns:
            tell("Some columns are hidden. Widen the terminal to see them.")
    else:
        say(empty)
    sys.stdout.flush()


def line(cells: Sequence[object]) -> None:
    """Print one row of a list that is still growing."""
    print(("  " if at_terminal() else "\t").join(clean(cell) for cell in cells), flush=True)


def facts(pairs: Sequence[tuple[str, object]]) -> None:
    """Print one name and value per line; tab-separated when piped."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        shown = clean(name)
        print(f"{shown:<{width}}  {clean(value)}" if at_terminal() else f"{shown}\t{clean(value)}")
    sys.stdout.flush()


def panel(title: str, body: object) -> None:
    """Print a secret in a frame; at a terminal only."""
    from rich.panel import Panel
    from rich.text import Text

    shown = Text(require_word(body), style="bold", no_wrap=True, overflow="fold")
    _console().print(Panel(shown, title=Text(clean(title)), expand=False))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a change that can't be undone, unless ``yes`` (the option ``--yes``).

    Raises ``Conflict`` if the answer isn't yes, or if this isn't a terminal.
    """
    if yes:
        return
    if not can_ask():
        raise Conflict(
            "not_confirmed", f"{question} Nothing was changed, because this isn't a terminal. Pass --yes to confirm."
        )
    print(f"{clean(_cut_secrets(question))} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Conflict("not_confirmed", "Nothing was changed.")


def count(number: int, noun: str) -> str:
    """``1 key``, ``1,234 keys``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def when(at_ms: int | None, now_ms: int, never: str = "never") -> str:
    """A time: relative at a terminal, RFC 3339 elsewhere."""
    if at_ms is None:
        return never
    return relative(at_ms, now_ms) if at_terminal() else to_rfc3339(at_ms)


def exactly(at_ms: int | None, now_ms: int, never: str = "never") -> str:
    """A time and, at a terminal, how far away it is."""
    if at_ms is None:
        return never
    return f"{moment(at_ms)} ({relative(at_ms, now_ms)})" if at_terminal() else moment(at_ms)


def moment(at_ms: int) -> str:
    """A time: ``2026-11-28 18:10:14 CET`` at a terminal, in its user's time zone; RFC 3339 elsewhere."""
    if not at_terminal():
        return to_rfc3339(at_ms)
    try:
        return datetime.fromtimestamp(at_ms // SECOND_MS, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except (ValueError, OverflowError, OSError):  # the system's clock or zone can't express this year
        return to_rfc3339(at_ms)


def relative(at_ms: int, now_ms: int) -> str:
    """``in 3 days``, ``5 minutes ago`` or ``now``, rounded to the largest unit that fits."""
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


def write_file(pieces: Iterable[bytes]) -> None:
    """Write an exported file to standard output, with the line ends of a terminal."""
    kept = b""
    for piece in pieces:
        whole = kept + piece
        kept = b"\r" if whole.endswith(b"\r") else b""  # its line feed may be in the next piece
        sys.stdout.buffer.write(whole.removesuffix(kept).replace(b"\r\n", b"\n"))
    sys.stdout.buffer.write(kept)
    sys.stdout.flush()
