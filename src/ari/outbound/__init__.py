"""Outbound calls: permitted addresses, the HTTP client, and mail services."""
