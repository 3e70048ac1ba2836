"""The data directory where none is named."""

from pathlib import Path

from ari.base.errors import ConfigurationError


def default_data_dir() -> Path:
    """The platform's directory for user data. Raises ``ConfigurationError`` if the user has no home directory."""
    import platformdirs  # noqa: PLC0415 - only where no directory is named

    try:
        found = Path(platformdirs.user_data_dir("ari", appauthor=False))
    except RuntimeError:  # pathlib finds no home directory
        found = Path("~")
    if not found.is_absolute():
        raise ConfigurationError(
            "This user has no home directory. Set ARI_DATA_DIR or --data-dir to a directory this user can write."
        )
    return found
