"""Changing a key: its name in place, its access, its expiry, on and off."""
