"""ARI: a self-hosted server for API keys."""

__all__ = ["__version__"]

__version__ = "0.1.0"
