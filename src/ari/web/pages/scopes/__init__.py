"""Settings > API > Scopes: declared scopes, presets and the default for new keys."""
