"""Settings > API."""
