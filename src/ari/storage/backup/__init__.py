"""Back up an instance to one signed file, and restore it."""
