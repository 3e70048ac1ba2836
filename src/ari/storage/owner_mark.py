"""A mark in the data directory that this instance has had an owner.

It outlives a lost database and a mistaken address of one, so that neither opens the setup to strangers
(security.md 24).
"""

from pathlib import Path

from ari.base.errors import ConfigurationError

_NAME = "had-owner"


def is_set(data_dir: Path) -> bool:
    """Whether the directory remembers an owner."""
    return (data_dir / _NAME).exists()


def remember(data_dir: Path) -> None:
    """Set the mark; again is fine. Raises ``ConfigurationError`` where nothing can be written."""
    try:
        (data_dir / _NAME).touch(mode=0o600)
    except OSError as error:
        raise ConfigurationError(f"Can't write to the data directory {data_dir}: {error.strerror}.") from None
