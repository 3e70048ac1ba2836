"""The usage log in SQL."""
