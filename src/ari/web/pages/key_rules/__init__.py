"""Settings > API > Rules for all keys."""
