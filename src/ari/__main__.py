"""``python -m ari`` is the command ``ari``."""

from ari.cli.main import main

if __name__ == "__main__":
    main()
