"""URLs of the list of consumers, of a consumer's page and of its forms."""

from ari.web.navigation import Toast, with_query

CONSUMERS = "/settings/consumers"
NEW_CONSUMER = f"{CONSUMERS}/new"
CONSUMER = f"{CONSUMERS}/{{consumer_id}}"
_CONSUMER_ID = "con_[0-9A-HJKMNP-TV-Z]{26}"
RETURN_TO = (rf"{CONSUMERS}(?:/new|/{_CONSUMER_ID}(?:/edit|/delete)?)?",)

CONSUMER_CREATED = Toast("consumer-created", "Consumer created.")
CONSUMER_CHANGED = Toast("consumer-changed", "Consumer updated.")
CONSUMER_DELETED = Toast("consumer-deleted", "Consumer deleted.")


def show(consumer_id: str) -> str:
    """The page of one consumer."""
    return f"{CONSUMERS}/{consumer_id}"


def page_after(text: str, before: str) -> str:
    """The list from this place on; both may be empty."""
    return with_query(CONSUMERS, {"q": text, "before": before})
