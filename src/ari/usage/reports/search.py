"""What the log is searched for: the filters that an index serves, and those that each row is looked at for."""

from dataclasses import dataclass, field, replace
from typing import Self

from ari.base.errors import Invalid, Problem
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS
from ari.usage.model import UsageFilter, UsageRow

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CODES = (ACCEPTED, *REASONS, *REQUEST_ERRORS)
"""Every code that a row can have."""
TEXT_LENGTH = 200
LOOKED_AT = 10_000
"""Rows that one step of a search looks at; then it gives what it found and where it stopped."""


@dataclass(frozen=True, slots=True)
class StatusRange:
    """HTTP statuses from ``low`` to ``high``; ``None`` for both: no answer yet."""

    low: int | None
    high: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of ``404``, ``4xx`` or ``none``. Raises ``Invalid``."""
        if text == "none":
            return cls(None, None)
        if len(text) == 3 and text.isascii():
            if text[0] in "12345" and text[1:] == "xx":
                return cls(int(text[0]) * 100, int(text[0]) * 100 + 99)
            if text.isdigit() and 100 <= int(text) <= 599:
                return cls(int(text), int(text))
        raise Invalid(Problem("status", "Use a status such as 404, a class such as 4xx, or none."))


@dataclass(frozen=True, slots=True)
class UsageSearch:
    """``where`` is what indexes serve. ``text`` is looked for in path, address and user agent, in any case."""

    where: UsageFilter = field(default_factory=UsageFilter)
    method: str | None = None
    status: StatusRange | None = None
    text: str | None = None

    @property
    def looks(self) -> bool:
        """Whether rows must be looked at."""
        return self.method is not None or self.status is not None or self.text is not None

    def within_span_only(self) -> "UsageSearch":
        """The same key and times without any filter."""
        return UsageSearch(replace(self.where, code=None))

    def within(self, since_ms: int | None, until_ms: int | None) -> "UsageSearch":
        """The same within these times."""
        return replace(self, where=replace(self.where, since_ms=since_ms, until_ms=until_ms))


@dataclass(frozen=True, slots=True)
class Found:
    """Rows newest first. ``next_before`` goes on, where there may be more; ``looked_to_ms`` is how far it came."""

    rows: list[UsageRow]
    next_before: str | None
    looked_to_ms: int | None = None


def method_of(text: str) -> str:
    """A method to search for. Raises ``Invalid``."""
    if text.upper() not in METHODS:
        raise Invalid(Problem("method", f"Choose one of {', '.join(METHODS)}."))
    return text.upper()


def code_of(text: str) -> str:
    """A code to search for: ``ok``, or why a request was refused. Raises ``Invalid``."""
    if text not in CODES:
        raise Invalid(Problem("code", "Unknown code. Use ok or an error code from the reference."))
    return text


def text_of(text: str) -> str | None:
    """A text to search for; ``None`` if there is nothing in it. Raises ``Invalid`` for a long one."""
    stripped = text.replace("\0", "").strip()
    if len(stripped) > TEXT_LENGTH:
        raise Invalid(Problem("q", f"Search for at most {TEXT_LENGTH} characters."))
    return stripped or None
