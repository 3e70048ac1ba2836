"""The check of ``ari doctor`` on the data directory: whether it is there, private, and takes files."""

import errno
import shutil

from ari.base.errors import AriError
from ari.base.settings import Settings
from ari.cli.finding import Finding
from ari.storage import checkup
from ari.storage.data_dir import prepare_data_dir, try_writing
from ari.storage.pending_restore import has_instance

_CHECK = "data directory"
_FULL = "Until there is room, ARI can't log requests or change anything."


def find_obstacle(settings: Settings) -> str | None:
    """Why there is no instance to open. Creates nothing."""
    path = settings.data_dir
    try:
        if not path.exists():
            return f"{path} doesn't exist yet. Run ari serve to create it."
        prepare_data_dir(settings)
        if settings.database_url is None and not has_instance(path):
            return f"{path} has no database yet. Run ari serve to create it."
    except AriError as error:
        return str(error)
    except OSError as error:
        return f"Can't read {path}: {error.strerror}."
    return None


def check_directory(settings: Settings) -> Finding:
    """Writes a small file and removes it, since a full disk is writable by its mode."""
    obstacle = find_obstacle(settings)
    if obstacle is not None:
        return Finding(_CHECK, "wrong", obstacle)
    path, by_group = settings.data_dir, settings.data_dir_access == "group"
    try:
        try_writing(path)
    except OSError as error:
        return Finding(_CHECK, "wrong", _describe_fault(settings, error))
    loose = checkup.readable_by_others(path, by_group=by_group)
    if loose:
        are = "is" if len(loose) == 1 else "are"
        files = " ".join(str(path / name) for name in loose)
        said = f"{', '.join(loose)} in {path} {are} readable by other users. Run: chmod 600 {files}"
        return Finding(_CHECK, "wrong", said)
    closed = "closed to others than its group" if by_group else "private"
    return Finding(_CHECK, "ok", f"{path} is writable and {closed}")


def _describe_fault(settings: Settings, error: OSError) -> str:
    path = settings.data_dir
    if error.errno == errno.EDQUOT:
        return f"{path} is full: the disk quota of this user is used up. {_FULL}"
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(path).free
        return f"{path} is full: {free // 1_000:,} kB free. {_FULL}"
    return f"Can't write to {path}: {error.strerror}."
