"""What a release consists of, and the command that builds it: ``python -m release``."""
