"""The same thing done to many keys."""
