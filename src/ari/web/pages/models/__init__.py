"""Settings > Integrations > Models: aliases, own prices and discounts."""
