"""A file in the data directory that records that this instance has had an owner.

It survives a lost database or a wrong database URL, so that neither opens the setup to strangers (security.md 24).
"""

from pathlib import Path

from ari.base.errors import ConfigurationError

_NAME = "had-owner"


def is_set(data_dir: Path) -> bool:
    """Whether this instance has had an owner."""
    return (data_dir / _NAME).exists()


def remember(data_dir: Path) -> None:
    """Record that it has one. Idempotent. Raises ``ConfigurationError`` if the directory isn't writable."""
    try:
        (data_dir / _NAME).touch(mode=0o600)
    except OSError as error:
        raise ConfigurationError(f"Can't write to the data directory {data_dir}: {error.strerror}.") from None
