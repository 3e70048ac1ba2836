"""Counts of what the processes of one run do, for monitoring. Decision 77."""
