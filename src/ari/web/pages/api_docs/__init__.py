"""The API docs."""
