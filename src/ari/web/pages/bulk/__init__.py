"""Revoke, delete or change the expiry of many keys."""
