"""The JSON of webhooks and deliveries, the same at every door."""

from typing import Any

from ari.base.clock import to_rfc3339
from ari.webhooks.model import Delivery, Webhook


def webhook_facts(webhook: Webhook) -> dict[str, Any]:
    """Of the URL only scheme and host: the rest may be a secret."""
    return {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.place,
        "format": webhook.format,
        "events": list(webhook.events),
        "on": webhook.is_on,
        "off_reason": webhook.off_reason,
        "created_at": to_rfc3339(webhook.created_at_ms),
        "created_by": webhook.created_by,
        "url_set_by": webhook.url_by,
        "old_secret_until": _time(webhook.old_secret_until_ms),
        "failing_since": _time(webhook.failing_since_ms),
        "last_delivered_at": _time(webhook.delivered_at_ms),
    }


def delivery_facts(delivery: Delivery) -> dict[str, Any]:
    """Without the body, which the audit log has."""
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "time": to_rfc3339(delivery.at_ms),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "last_attempt_at": _time(delivery.tried_at_ms),
        "next_attempt_at": _time(delivery.next_try_at_ms),
        "status": delivery.status,
        "duration_ms": delivery.duration_ms,
        "error": delivery.error,
        "test": delivery.is_test,
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
