"""Calls out of this machine: mail. Bounded in time and size, and nowhere that nobody set (security.md 38)."""
