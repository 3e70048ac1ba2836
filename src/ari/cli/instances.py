"""Open the instance that a command works on."""
# Imports inside functions here: start-up speed (pydantic and SQLAlchemy take 0.3 s).

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ari.base import server_url
from ari.base.caller import command_line_caller
from ari.base.errors import ConfigurationError
from ari.cli import output
from ari.cli.chosen_instance import require_data_dir

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.deps import Deps
    from ari.instance import Instance


def read_settings(data_dir: Path | None, **overrides: object) -> "Settings":
    """The settings from the environment, overridden by the command's options.

    Raises ``ConfigurationError``, also if a remote instance is chosen.
    """
    require_data_dir(data_dir)
    from ari.base.settings import load_settings

    return load_settings(data_dir=data_dir, **overrides)


@contextmanager
def open_instance(data_dir: Path | None) -> "Iterator[Instance]":
    """The instance in this data directory; its server may be running.

    Raises ``ConfigurationError`` if there is none, other users can read it (security.md 10), or it needs a migration.
    """
    settings = read_settings(data_dir)
    require_instance(settings)
    from ari.instance import Instance

    instance = Instance.open(settings, watch=True, report=output.tell)
    try:
        yield instance
    finally:
        instance.close()


@contextmanager
def open_deps(data_dir: Path | None) -> "Iterator[Deps]":
    """``open_instance``, with the operating system's user as the caller."""
    with open_instance(data_dir) as instance:
        from ari.deps import Deps

        yield Deps(instance, command_line_caller())


def exists(settings: "Settings") -> bool:
    """Whether the settings name a PostgreSQL database, or the data directory has one. Raises ``OSError``."""
    from ari.storage.pending_restore import has_instance

    return settings.database_url is not None or has_instance(settings.data_dir)


def require_instance(settings: "Settings") -> None:
    """Raise ``ConfigurationError`` unless an instance exists here: a mistyped path must not create a new one."""
    from ari.storage.data_dir import prepare_data_dir

    path = settings.data_dir
    try:
        if path.exists():
            prepare_data_dir(settings)
        missing = not exists(settings)
    except OSError as error:
        raise ConfigurationError(f"Can't read the data directory {path}: {error.strerror}.") from None
    if missing:
        raise ConfigurationError(
            f"No ARI data in {path}. If ARI is starting there for the first time, try again in a moment. Otherwise, "
            "use --data-dir, or create it: ari migrate"
        )


def find_url(settings: "Settings") -> str:
    """``ARI_PUBLIC_URL``, else the URL of the server that runs on the data directory, else that of ``ari serve``."""
    return settings.public_url or server_url.read(settings.data_dir) or settings.base_url
