"""The account menu."""
