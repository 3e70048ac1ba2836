"""Settings > Notifications."""
