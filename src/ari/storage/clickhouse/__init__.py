"""The rows of the usage log in ClickHouse, for logs that PostgreSQL can't hold. Decision 82."""
