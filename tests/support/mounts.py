"""File systems of a server's own: small ones that fill up, read-only ones. Linux, by user namespaces."""

import subprocess
from functools import cache
from pathlib import Path

from tests.support.server import ARI

MISSING = "no mount namespaces for this user (unshare --user --mount)"
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


@cache
def available() -> bool:
    """Whether this user may mount a tmpfs in a namespace of its own."""
    try:
        return subprocess.run([*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def ari_on_small_disk(folder: Path, size: str) -> tuple[str, ...]:
    """The command ``ari`` in a namespace where ``folder`` is a file system of this size."""
    return _prepare(f'mount -t tmpfs -o size={size},mode=700 none "{folder}"')


def ari_on_read_only_disk(folder: Path) -> tuple[str, ...]:
    """The command ``ari`` in a namespace where ``folder`` cannot be written."""
    return _prepare(f'mount --bind "{folder}" "{folder}" && mount -o remount,bind,ro "{folder}"')


def get_path_in(pid: int, folder: Path) -> Path:
    """The folder as the process sees it."""
    return Path(f"/proc/{pid}/root{folder}")


def fill(folder: Path) -> Path:
    """Use all of the space of a file system; the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    return filler


def _prepare(mount: str) -> tuple[str, ...]:
    return (*_UNSHARE, "sh", "-c", f'{mount} && exec "$@"', "sh", *ARI)
