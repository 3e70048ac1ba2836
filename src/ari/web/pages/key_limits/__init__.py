"""Limits and credits of a key."""
