"""Provider keys: the keys of outside services, stored encrypted and used on behalf of callers."""
