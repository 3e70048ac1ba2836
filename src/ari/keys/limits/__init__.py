"""Limits and credits of a key or consumer: the rules, and the arithmetic of their counters."""
