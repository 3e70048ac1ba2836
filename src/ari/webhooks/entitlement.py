"""Which events a webhook gets. One that an API key set up gets those that the key can read, and only while it can.

Otherwise a key could make an instance send events to it for ever, also after it was revoked (decision 78).
"""

from ari.base.errors import Forbidden
from ari.keys import scopes
from ari.webhooks.event_types import NAMES
from ari.webhooks.model import Webhook
from ari.webhooks.ports import WebhookTransaction

READ_EVENTS = "keys:read"
"""The scope that lists the events of keys; those about anything else need ``*``."""
WRITE_WEBHOOKS = "webhooks:write"


def require_may_read_events(tx: WebhookTransaction) -> None:
    """Raise ``Forbidden`` for a key that can't list events: a webhook would send them to it."""
    if not scopes.holds(tx.caller.scopes, READ_EVENTS):
        raise Forbidden(f"This key also needs the scope “{READ_EVENTS}”: a webhook sends events.", READ_EVENTS)


def find_readable(tx: WebhookTransaction, webhook: Webhook) -> tuple[str, ...]:
    """The scopes by which events are chosen: everything for a webhook of the owner; none if its key has ended."""
    if webhook.url_is_owners:
        return ("*",)
    key = tx.keys.get(webhook.url_by)
    is_entitled = (
        key is not None
        and key.status(tx.now_ms) == "active"
        and scopes.holds_all(key.scopes, (READ_EVENTS, WRITE_WEBHOOKS))
        and _is_secret_active(tx, webhook)
    )
    return key.scopes if key is not None and is_entitled else ()


def may_get(readable: tuple[str, ...], event_type: str) -> bool:
    """Whether these scopes may read events of this type (security.md 21)."""
    if scopes.holds(readable, "*"):
        return True
    return bool(readable) and NAMES.get(event_type, "").startswith("key_")


def list_types(readable: tuple[str, ...]) -> list[str] | None:
    """The types of events that these scopes may read; ``None`` for all."""
    return None if scopes.holds(readable, "*") else [one for one in NAMES if may_get(readable, one)]


def list_seen(tx: WebhookTransaction) -> list[str] | None:
    """The types of events that the caller may read, as in the audit log; ``None`` for all."""
    given = tx.caller.scopes
    return list_types(given if scopes.holds(given, READ_EVENTS) else ())


def _is_secret_active(tx: WebhookTransaction, webhook: Webhook) -> bool:
    """Whether the key's secret that set the URL still works: a rotation ends what a leaked secret set up."""
    secret = tx.key_secrets.get_secret(webhook.url_by, webhook.url_secret_number or 1)
    return secret is not None and not secret.is_retired(tx.now_ms)
