"""Who sends a request: an API key, a session, or nobody."""
