"""What to install when a package is missing: ``ari-keys`` alone brings only what all its extras share (decision 52)."""

from collections.abc import Iterator
from contextlib import contextmanager


def explain_missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """One sentence with the command that installs the missing package; None if a part of ARI itself is missing.

    ``extra`` is the extra of ``ari-keys`` that has the package, such as ``server``.
    """
    package = (error.name or "").partition(".")[0]
    if package in ("", "ari"):
        return None
    return f"The Python package {package} is missing. {how_to_install(extra)}"


def how_to_install(extra: str) -> str:
    """A sentence with the command that installs an extra. ``ari-keys`` is on no package index yet."""
    return f'In a checkout of ARI, run: pip install ".[{extra}]"'


@contextmanager
def importing(extra: str) -> Iterator[None]:
    """Raise a missing package as a ``ModuleNotFoundError`` with the sentence of ``explain_missing``."""
    try:
        yield
    except ModuleNotFoundError as error:
        sentence = explain_missing(error, extra)
        if sentence is None:
            raise
        raise ModuleNotFoundError(sentence, name=error.name) from None
