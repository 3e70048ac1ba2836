"""Confirm it's you."""
