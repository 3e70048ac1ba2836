"""Costs of AI requests: the prices of a library, the operator's own prices and discounts, and exact arithmetic."""
