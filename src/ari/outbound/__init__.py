"""Calls that ARI makes to others: which addresses it may reach, and the client that keeps to them."""
