"""Numbered migrations: the chain ``main`` for keys, accounts and events, the chain ``log`` for the usage log."""
