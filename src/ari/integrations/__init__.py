"""Provider keys: the keys of outside services, kept sealed and used on behalf of callers."""
