"""What an API key is. Pure Python: no SQL, no HTTP."""
