"""What to install when a package is missing: ``ari-keys-core`` alone has only what its extras share (decision 74)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def explain_missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """One sentence with the command that installs the missing package; None if a part of ARI itself is missing.

    ``extra`` is the extra that has the package, such as ``client``, or ``server`` for what ``ari-keys`` needs.
    """
    package = (error.name or "").partition(".")[0]
    if package in ("", "ari"):
        return None
    return f"The Python package {package} is missing. {how_to_install(extra)}"


def how_to_install(extra: str) -> str:
    """A sentence with the command that installs an extra, of the distribution that is installed here."""
    if extra == "server":
        return "Run: pip install ari-keys"
    distribution = "ari-keys" if find_spec("ari.server") else "ari-keys-core"
    return f'Run: pip install "{distribution}[{extra}]"'


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
