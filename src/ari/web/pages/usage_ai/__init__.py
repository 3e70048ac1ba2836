"""Settings > Usage > AI costs, and Budgets."""
