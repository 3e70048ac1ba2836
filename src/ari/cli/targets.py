"""Open the instance that a command works on: in the data directory, or a remote one over its API.

Both kinds of target have the same parts (``target.keys``) with the same methods, which take and return plain values in
the shapes of the API. A test compares their signatures, and another the output of each command.
"""
# Imports inside functions here: a remote command starts without a database, a local one without an HTTP client.

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ari.base.errors import AriError, ConfigurationError
from ari.cli.chosen_instance import find_remote
from ari.cli.instances import open_deps

if TYPE_CHECKING:
    from ari.cli.local import LocalTarget
    from ari.cli.remote import RemoteTarget

    Target = LocalTarget | RemoteTarget


@contextmanager
def open_target(data_dir: Path | None) -> "Iterator[Target]":
    """The instance. Raises ``ConfigurationError`` if it can't be opened, or the key for a remote one can't be read."""
    if find_remote(data_dir) is not None:
        with open_remote() as remote:
            yield remote
        return
    from ari.cli.local import LocalTarget

    with open_deps(data_dir) as deps:
        yield LocalTarget(deps)


@contextmanager
def open_remote() -> "Iterator[RemoteTarget]":
    """The remote instance that options or variables name. Raises ``ConfigurationError`` if they don't.

    Whatever fails while its responses are read and shown is ``RemoteFailed``: they aren't of this ARI.
    """
    place = find_remote(None)
    if place is None:
        raise ConfigurationError("This command is about a remote instance. Use ari --url, or set ARI_URL.")
    from ari.cli.remote import RemoteTarget
    from ari.cli.remote.connection import Connection, RemoteFailed
    from ari.cli.remote.credential import parse_url, read_key

    url = parse_url(place.url)
    with Connection(url, read_key(place.key_file)) as connection:
        try:
            yield RemoteTarget(connection)
        except AriError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # JSON of another shape
            raise RemoteFailed(f"{url} doesn't respond like ARI ({type(error).__name__}).") from error
