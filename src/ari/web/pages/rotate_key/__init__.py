"""Create API Key."""
