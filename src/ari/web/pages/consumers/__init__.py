"""Settings > API > Consumers."""
