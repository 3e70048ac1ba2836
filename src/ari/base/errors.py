"""Every exception that ARI raises on purpose.

::

    AriError
    ├── Invalid          invalid input: one Problem per field (HTTP 422)
    ├── NotFound         doesn't exist (404)
    ├── Conflict         not possible in the current state; has a code such as "key_active" (409)
    ├── Forbidden        the caller isn't allowed to do this (403)
    ├── ReauthRequired   the session must confirm its password first (403)
    ├── CallerRevoked    the caller's key or session ended before the command ran (401)
    ├── RateLimited      too many attempts; retry_after_seconds (429)
    ├── LimitExceeded    a limit, a budget or the credits of the calling key are used up (429)
    ├── Unavailable      a required part is down or too slow; never treated as a yes (503)
    └── ConfigurationError   the instance can't start or run with these settings

Expected refusals of a key are values (``keys.model.Refused``), not exceptions.
"""

from dataclasses import dataclass

from ari.base.clock import in_words
from ari.base.messages import NOTHING_HERE


class AriError(Exception):
    """Base class. The message is safe to show to the caller and never contains a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An invalid field: ``location`` names it (``"name"``), ``message`` is a sentence."""

    location: str
    message: str


class Invalid(AriError):
    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class NotFound(AriError):
    def __init__(self, message: str = NOTHING_HERE) -> None:
        super().__init__(message)


class Conflict(AriError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Forbidden(AriError):
    def __init__(self, message: str, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class ReauthRequired(AriError):
    def __init__(self) -> None:
        super().__init__("Re-enter your password, then try again.")


class CallerRevoked(AriError):
    def __init__(self, code: str) -> None:
        super().__init__("Your key or session ended before this could be done.")
        self.code = code


class RateLimited(AriError):
    code = "rate_limited"
    limit = None

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class LimitExceeded(AriError):
    """``limit`` is its name, or ``credits``; ``code`` is ``rate_limited``, ``credits_exhausted`` or
    ``budget_exhausted``.

    ``rate`` is what the limit allows, such as ``2 requests per minute``; ``shortage`` is the end of a sentence about a
    budget. Without ``retry_after_seconds``, waiting does not help.
    """

    def __init__(
        self,
        code: str,
        limit: str,
        retry_after_seconds: int | None,
        rate: str | None = None,
        shortage: str | None = None,
    ) -> None:
        wait = "" if retry_after_seconds is None else f" Retry in {in_words(retry_after_seconds)}."
        allowed = "" if rate is None else f" ({rate})"
        lacks = shortage or "doesn't have enough left for this request"
        sentences = {
            "credits_exhausted": "No credits are left for this request.",
            "budget_exhausted": f"Budget “{limit}”{allowed} {lacks}.",
        }
        super().__init__(sentences.get(code, f"Rate limit “{limit}”{allowed} is used up.") + wait)
        self.code = code
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AriError):
    """``reason`` is the underlying cause, for the operator only (log, command line), never for a caller."""

    def __init__(self, message: str, retry_after_seconds: int = 1, reason: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.reason = reason


class ConfigurationError(AriError):
    pass


def for_operator(error: AriError) -> str:
    """The message with its reason, for the log and the command line."""
    reason = error.reason if isinstance(error, Unavailable) else None
    return f"{error} {reason}" if reason else str(error)
