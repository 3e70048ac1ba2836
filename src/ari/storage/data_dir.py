"""The data directory: made for this user alone, or refused with what to do (security.md 10).

With ``ARI_DATA_DIR_ACCESS=group`` it may be a volume that the platform owns.
"""

import os
import pwd
import stat
import tempfile
from pathlib import Path

from ari.base.errors import ConfigurationError
from ari.base.settings import Settings

_GROUP = 0o070
_OTHERS = 0o007
_TRIED_BYTES = 64 * 1024
"""More than a commit to SQLite's WAL takes."""


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory (mode 0700). Raises ``ConfigurationError`` if other users can access it.

    If Kubernetes gave the group of a volume (fsGroup) access to the directory, that access is removed, unless the
    settings accept it.
    """
    path = settings.data_dir
    os.umask(0o077)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except FileExistsError:
        raise ConfigurationError(f"The data directory {path} isn't a directory.") from None
    except OSError as error:
        raise ConfigurationError(
            f"Can't create the data directory {path}: {error.strerror}. Set ARI_DATA_DIR or --data-dir to a "
            "directory this user can write."
        ) from None
    except ValueError:
        raise ConfigurationError("Can't create the data directory: its name contains a NUL character.") from None
    if settings.data_dir_access == "group":
        _require_no_others(path, status)
    else:
        _require_private(path, status)
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(f"The data directory {path} isn't writable by this user.")


def try_writing(path: Path) -> None:
    """Write a small file to the disk, and remove it. Raises ``OSError``, as for a full disk."""
    with tempfile.TemporaryFile(dir=path) as file:
        file.write(bytes(_TRIED_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _require_no_others(path: Path, status: os.stat_result) -> None:
    """Accept any owner and any access of the group, which decides who can replace the database."""
    if status.st_mode & _OTHERS:
        raise ConfigurationError(f"The data directory {path} is open to every user. Run: chmod o-rwx {path}")


def _require_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise ConfigurationError(_of_another_user(path, status))
    if _is_opened_by_fs_group(status):
        close_to_group(path)
        status = path.stat()
    if status.st_mode & (_GROUP | _OTHERS):
        inside = f" (or, on a volume, set ARI_DATA_DIR to {path / 'ari'})" if status.st_mode & stat.S_ISGID else ""
        raise ConfigurationError(f"The data directory {path} is readable by other users. Run: chmod 700 {path}{inside}")


def close_to_group(path: Path) -> None:
    """Remove the group's access to ARI's directory and its files. Raises ``ConfigurationError``.

    Kubernetes gives the fsGroup access to every file of a volume each time a pod starts.
    """
    try:
        path.chmod(0o700)
        for file in path.iterdir():
            status = file.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & _GROUP:
                file.chmod(stat.S_IMODE(status.st_mode) & 0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {path} is readable by other users, and changing that failed: {error.strerror}."
        ) from None


def _is_opened_by_fs_group(status: os.stat_result) -> bool:
    """Kubernetes adds set-group-ID and rwx for the group; nobody else may have access."""
    mode = status.st_mode
    return bool(mode & stat.S_ISGID) and mode & _GROUP == _GROUP and not mode & _OTHERS


def _of_another_user(path: Path, status: os.stat_result) -> str:
    whose = f"The data directory {path} belongs to another user ({_name(status.st_uid)})"
    is_volume = os.geteuid() != 0 and os.access(path, os.R_OK | os.W_OK | os.X_OK) and not (path / "ari.db").exists()
    if is_volume:
        return f"{whose}. Set ARI_DATA_DIR to {path / 'ari'}, which ARI creates as a private directory."
    return f"{whose}. Run ARI as that user."


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
