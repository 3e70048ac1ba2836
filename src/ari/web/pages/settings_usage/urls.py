"""URLs of Settings > Usage."""

from ari.web.navigation import RANGE_QUERY

USAGE = "/settings/usage"
RETURN_TO = (f"{USAGE}{RANGE_QUERY}",)
