"""Settings > Security."""
