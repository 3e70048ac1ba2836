"""The JSON API under ``/api``: one file a resource. A door adds words, never rules."""
