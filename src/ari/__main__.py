"""The command ``ari``, also as ``python -m ari``."""

import sys
from typing import NoReturn

from ari.base.extras import explain_missing


def main() -> NoReturn:
    """Run the command line; without the packages of the server, name the command that installs them."""
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
