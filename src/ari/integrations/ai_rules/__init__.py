"""Rules of the instance for AI requests: names for models, prices, and budgets."""
