"""Everything ARI raises on purpose.

::

    AriError
    ├── Invalid          the input is wrong: one Problem per field (HTTP 422)
    ├── NotFound         no such thing (404)
    ├── Conflict         the thing's state forbids it; has a code such as "key_active" (409)
    ├── Forbidden        the caller lives but may not do this (403)
    ├── Unconfirmed      the session must give its password again before this (403)
    ├── CallerDead       the caller's key or session died before the command ran (401)
    ├── Limited          too many attempts; retry_after_seconds (429)
    ├── Unavailable      a part that decides is gone or too slow; never answered as a yes (503)
    └── ConfigurationError   the instance cannot start or run like this; one plain sentence

Expected refusals of a key are values (``keys.model.Refused``), not exceptions.
"""

from dataclasses import dataclass


class AriError(Exception):
    """Root of the tree; the text is fit for the caller to read and never holds a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input: ``location`` is the field (``"name"``), ``message`` a plain sentence."""

    location: str
    message: str


class Invalid(AriError):
    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class NotFound(AriError):
    pass


class Conflict(AriError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Forbidden(AriError):
    def __init__(self, message: str, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class Unconfirmed(AriError):
    def __init__(self) -> None:
        super().__init__("Re-enter your password, then try again.")


class CallerDead(AriError):
    def __init__(self, code: str) -> None:
        super().__init__("Your key or session ended before this could be done.")
        self.code = code


class Limited(AriError):
    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AriError):
    """``reason`` is why, in the words of what failed: for the operator (log, command line), never for a caller."""

    def __init__(self, message: str, retry_after_seconds: int = 1, reason: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.reason = reason


class ConfigurationError(AriError):
    pass


def for_operator(error: AriError) -> str:
    """The error with its reason, as an operator reads it."""
    reason = error.reason if isinstance(error, Unavailable) else None
    return f"{error} {reason}" if reason else str(error)
