"""URLs of the list of consumers, of a consumer's page and of its forms."""

from collections.abc import Mapping

from ari.base.errors import NotFound
from ari.base.ids import is_id
from ari.web.navigation import CONSUMER_ID, Toast, with_query

CONSUMERS = "/settings/consumers"
NEW_CONSUMER = f"{CONSUMERS}/new"
CONSUMER = f"{CONSUMERS}/{{consumer_id}}"
RETURN_TO = (rf"{CONSUMERS}(?:/new|/{CONSUMER_ID}(?:/edit|/delete)?)?",)

CONSUMER_CREATED = Toast("consumer-created", "Consumer created.")
CONSUMER_CHANGED = Toast("consumer-changed", "Consumer updated.")
CONSUMER_DELETED = Toast("consumer-deleted", "Consumer deleted.")


def show(consumer_id: str) -> str:
    """The page of one consumer."""
    return f"{CONSUMERS}/{consumer_id}"


def page_after(text: str, before: str) -> str:
    """The list from this place on; both may be empty."""
    return with_query(CONSUMERS, {"q": text, "before": before})


def refresh_part(consumer_id: str, part: str) -> str:
    """A part of the page that refreshes alone: ``limits`` or ``budgets``, those that its keys share."""
    return f"{show(consumer_id)}?part={part}"


def consumer_id_of(path_params: Mapping[str, str]) -> str:
    """The ID in the URL. Raises ``NotFound`` for another text, such as an external ID."""
    consumer_id = path_params["consumer_id"]
    if not is_id("con", consumer_id):
        raise NotFound
    return consumer_id
