"""Confirm it is you."""
