"""Authentication and authorization of a request: by API key, by session, or as a visitor."""
