"""What API keys were used for."""
