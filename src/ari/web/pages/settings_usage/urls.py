"""URLs of Settings > Usage."""

from ari.web.navigation import RANGE_QUERY, with_query

USAGE = "/settings/usage"
RETURN_TO = (f"{USAGE}{RANGE_QUERY}",)


def of_consumer(consumer_id: str) -> str:
    """The usage of the keys of this consumer."""
    return with_query(USAGE, {"consumer": consumer_id})
