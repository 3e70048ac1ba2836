"""Headers that keep the response of a guarded route out of shared caches, such as those of a CDN."""

from collections.abc import Iterable

VARY = "Authorization, X-Api-Key"


def make_private(lines: Iterable[str]) -> str:
    """The app's lines of Cache-Control as one value, with ``private`` in place of ``public``."""
    given = [part.strip() for line in lines for part in line.split(",") if part.strip()]
    kept = [part for part in given if part.lower() not in ("public", "private")]
    return ", ".join([*kept, "private"])
