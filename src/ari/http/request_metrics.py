"""Which door a route belongs to, for the metrics of requests."""

from functools import lru_cache

_DOORS = (
    ("/api/verify", "verify"),
    ("/api/forward-auth", "forward_auth"),
    ("/api/ai/", "ai"),
    ("/api/", "api"),
    ("/metrics", "api"),
)
_MAX_ROUTES = 1_000


@lru_cache(_MAX_ROUTES)
def find_door(template: str) -> str:
    """The door of a route's template. A request without a route counts as one for a page."""
    return next((door for prefix, door in _DOORS if template.startswith(prefix)), "page")
