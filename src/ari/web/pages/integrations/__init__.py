"""Settings > Integrations."""
