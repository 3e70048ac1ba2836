"""Settings > API > Kinds."""
