"""A key's page."""
