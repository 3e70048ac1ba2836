"""The options of a key: whose it is, its limits, and from where it works."""
