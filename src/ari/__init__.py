"""ARI: a self-hosted instance whose API answers to API keys that its owner creates, watches, expires and revokes."""

__all__ = ["__version__"]

__version__ = "0.1.0"
