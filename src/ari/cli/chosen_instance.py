"""Which instance the commands of this process work on: a data directory's, or a remote one that ``--url`` names."""

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from ari.base.errors import ConfigurationError

_LOCAL_ONLY = (
    "This command works on a data directory only. Leave out --url (or unset ARI_URL), or pass --data-dir after it."
)


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """The URL of an instance and, if an option names it, the file with the key for it."""

    url: str
    key_file: Path | None
    is_option: bool


_chosen: ContextVar[RemotePlace | None] = ContextVar("remote instance", default=None)


def choose_remote(url: str | None, key_file: Path | None) -> None:
    """Remember the options of ``ari`` itself; without ``--url``, the variable ``ARI_URL`` counts.

    Raises ``ConfigurationError`` for an empty option, as an unset variable of a script gives: the command would work
    on this machine instead.
    """
    if url is not None and not url.strip():
        raise ConfigurationError("--url is empty.")
    if key_file is not None and key_file == Path():
        raise ConfigurationError("--key-file is empty.")
    named = os.environ.get("ARI_URL") if url is None else url
    _chosen.set(None if named is None else RemotePlace(named, key_file, url is not None))
    if key_file is not None and named is None:
        raise ConfigurationError("--key-file needs --url or ARI_URL.")


def find_remote(data_dir: Path | None) -> RemotePlace | None:
    """The remote instance, or ``None`` for the data directory, which ``--data-dir`` chooses in spite of ``ARI_URL``.

    Raises ``ConfigurationError`` for both options, and for an empty ``ARI_URL``.
    """
    place = _chosen.get()
    if place is None or data_dir is None:
        if place is not None and not place.url.strip():
            raise ConfigurationError("ARI_URL is empty. Unset it to work on a data directory, or pass --data-dir.")
        return place
    if place.is_option:
        raise ConfigurationError("Pass --url or --data-dir, not both.")
    return None


def require_data_dir(data_dir: Path | None) -> None:
    """Raise ``ConfigurationError`` if a remote instance is chosen: for commands that the API doesn't have."""
    if find_remote(data_dir) is not None:
        raise ConfigurationError(_LOCAL_ONLY)
