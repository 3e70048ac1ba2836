"""Open the instance that a command works on."""
# Imports inside functions here: start-up speed (pydantic and SQLAlchemy take 0.3 s).

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ari.base.caller import command_line_caller
from ari.base.errors import ConfigurationError

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.deps import Deps
    from ari.instance import Instance

CALLER = command_line_caller
"""The caller of every command: ``cli:`` and the operating system's user."""


def settings_of(data_dir: Path | None, **overrides: object) -> "Settings":
    """The settings from the environment, overridden by the command's options. Raises ``ConfigurationError``."""
    from ari.base.settings import load_settings

    return load_settings(data_dir=data_dir, **overrides)


@contextmanager
def opened(data_dir: Path | None) -> "Iterator[Instance]":
    """The instance in this data directory; its server may be running.

    Raises ``ConfigurationError`` if there is none, other users can read it (security.md 10), or it needs a migration.
    """
    settings = settings_of(data_dir)
    require_instance(settings)
    from ari.instance import SLOW_SECONDS, Instance

    instance = Instance.open(settings)
    instance.database.watch(SLOW_SECONDS)
    try:
        yield instance
    finally:
        instance.close()


@contextmanager
def opened_deps(data_dir: Path | None) -> "Iterator[Deps]":
    """The instance of this data directory with the operating system's user as the caller. Raises as ``opened`` does."""
    with opened(data_dir) as instance:
        from ari.deps import Deps

        yield Deps(instance, command_line_caller())


def require_instance(settings: "Settings") -> None:
    """Raise ``ConfigurationError`` unless an instance exists here: a mistyped path must not create a new one."""
    from ari.storage.data_dir import prepare_data_dir
    from ari.storage.engine import KEYS_FILE

    path = settings.data_dir
    try:
        if path.exists():
            prepare_data_dir(path)
        missing = settings.database_url is None and not (path / KEYS_FILE).exists()
    except OSError as error:
        raise ConfigurationError(f"Can't read the data directory {path}: {error.strerror}.") from None
    if missing:
        raise ConfigurationError(f"No ARI data in {path}. Use --data-dir, or run ari serve to create it.")
