"""The command ``ari``, also as ``python -m ari``."""

import atexit
import gc
import os
import sys
from typing import NoReturn

from ari.base.extras import explain_missing

_GEN0_THRESHOLD = 200_000
"""New objects before a collection (default: 700): collecting garbage while importing took 0.25 s of a command."""


def main() -> NoReturn:
    """Run the command line; without the packages of the server, name the command that installs them."""
    gc.set_threshold(_GEN0_THRESHOLD)
    # Pydantic would look for plugins in each installed distribution: 10 ms. ARI needs none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    atexit.register(gc.freeze)  # the end of the process frees all memory; a last collection took 0.2 s
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(130)


def _run() -> NoReturn:
    try:
        from ari.cli.main import main as run_commands  # noqa: PLC0415 - its packages may be missing
    except ModuleNotFoundError as error:
        sentence = explain_missing(error, "server")
        if sentence is None:
            raise
        sys.exit(f"ari: {sentence}")
    run_commands()


if __name__ == "__main__":
    main()
