"""Restores over an instance and dies before one of its changes to files and folders (``test_restore_crashes``)."""

import os
import signal
import sys
from pathlib import Path

from ari.base.caller import SYSTEM
from ari.base.settings import load_settings
from ari.storage.backup.restore import Terms, restore_backup

_STEPS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime"}


def die_at(step: int, folder: str) -> None:
    """Kill this process before the change of this number, from 1, below the folder."""
    left = step

    def count(event: str, given: tuple[object, ...]) -> None:
        nonlocal left
        if event in _STEPS and str(given[0]).startswith(folder):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def main() -> None:
    """Restore the file into the folder, up to the step, that the arguments name."""
    folder, file, step = sys.argv[1:]
    settings = load_settings(data_dir=Path(folder))
    die_at(int(step), folder)
    with Path(file).open("rb") as backup:
        restore_backup(settings, backup, Terms(replace=True), SYSTEM, 0, lambda *_: None)


if __name__ == "__main__":
    main()
