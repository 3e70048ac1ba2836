"""Calls that ARI makes to others: which addresses it may reach, the client that keeps to them, and mail."""
