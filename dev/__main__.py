"""Run ARI from this checkout, and restart it whenever a file of the program changes. Open pages then reload."""

import os
import shlex
import subprocess
import sys

try:
    from watchfiles import DefaultFilter, run_process
    from watchfiles.main import FileChange

    from hatch_build import ROOT, build_assets
except ModuleNotFoundError as error:
    sys.exit(f"{error}. Run: pip install hatchling watchfiles (make dev installs them itself)")

PROGRAM = ROOT / "src/ari"
ASSETS = PROGRAM / "web/assets"
BUILT = PROGRAM / "web/static"


def main() -> int:
    """Serve until Ctrl-C. Arguments are those of ``ari serve``."""
    os.environ.setdefault("ARI_DATA_DIR", str(ROOT / "build/dev"))
    os.environ.setdefault("ARI_STOP_SECONDS", "0")
    run_process(
        PROGRAM,
        target=shlex.join([sys.executable, "-m", "dev.server", "serve", *sys.argv[1:]]),
        target_type="command",
        callback=rebuild,
        watch_filter=DefaultFilter(ignore_paths=[BUILT]),
        debounce=300,
    )
    return 0


def rebuild(changes: set[FileChange]) -> None:
    """Bundle the browser's files if one of their sources changed. An error is printed; the next save tries again."""
    if any(ASSETS.as_posix() in path for _, path in changes):
        try:
            build_assets(ROOT)
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    sys.exit(main())
