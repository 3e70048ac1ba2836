"""Settings > Usage."""
