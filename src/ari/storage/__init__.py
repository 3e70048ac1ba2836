"""The SQL adapter: SQLite (embedded default) and PostgreSQL (many nodes)."""
