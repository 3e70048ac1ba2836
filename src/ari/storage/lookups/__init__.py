"""Reads of the hot path."""
