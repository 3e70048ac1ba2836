"""Jump to a page, a key or a consumer by a part of its name."""
