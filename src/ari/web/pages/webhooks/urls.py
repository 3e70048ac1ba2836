"""URLs of Settings > Webhooks."""

from ari.web.navigation import Toast, with_query

WEBHOOKS = "/settings/webhooks"
NEW_WEBHOOK = f"{WEBHOOKS}/new"
WEBHOOK = f"{WEBHOOKS}/{{webhook_id}}"
_ID = "whk_[0-9A-HJKMNP-TV-Z]{26}"
RETURN_TO = (rf"{WEBHOOKS}(?:/new|/{_ID}(?:/(?:edit|rotate|delete))?)?", rf"{WEBHOOKS}/{_ID}\?state=failed")

WEBHOOK_CHANGED = Toast("webhook-changed", "Webhook updated.")
WEBHOOK_ON = Toast("webhook-on", "Webhook turned on. It gets what happens from now on.")
WEBHOOK_OFF = Toast("webhook-off", "Webhook turned off. What happens from now on isn't sent.")
WEBHOOK_DELETED = Toast("webhook-deleted", "Webhook deleted.")
WEBHOOK_TESTED = Toast("webhook-tested", "Test finished. See the result under “Deliveries”.")
REPLAYED = Toast("webhook-replayed", "Queued again. Reload in a few seconds to see the result.")


def show(webhook_id: str) -> str:
    """The page of one webhook."""
    return f"{WEBHOOKS}/{webhook_id}"


def action(webhook_id: str, verb: str) -> str:
    """A form of one webhook: ``edit``, ``rotate``, ``delete``, ``switch``, ``test``, ``replay``."""
    return f"{WEBHOOKS}/{webhook_id}/{verb}"


def deliveries(webhook_id: str, state: str = "", before: str = "") -> str:
    """The page of one webhook with these deliveries."""
    return with_query(show(webhook_id), {"state": state, "before": before})
