"""Webhooks and their deliveries, as Settings > Webhooks shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

from ari.web.words import Badge
from ari.webhooks import management, replay
from ari.webhooks.event_types import EVERYTHING
from ari.webhooks.model import OFF_REASONS, Delivery, DeliveryState, Webhook
from ari.webhooks.ports import WebhookTransaction

PAGE_SIZE = 25
MAX_COUNTED = 1_000
"""Failed deliveries; a larger number doesn't help, and counting all of 100,000 takes a while."""
FORMAT_NAMES = {"standard": "Signed JSON", "slack": "Slack", "discord": "Discord", "ntfy": "ntfy"}
_BADGES: Mapping[DeliveryState, tuple[str, str]] = {
    "waiting": ("soon", "Waiting"),
    "sending": ("soon", "Sending"),
    "delivered": ("good", "Delivered"),
    "failed": ("bad", "Failed"),
}


@dataclass(frozen=True, slots=True)
class WebhookOverview:
    """A webhook with a page of its deliveries; ``older`` is the ID to continue before.

    ``failed_count`` counts no further than one more than ``MAX_COUNTED``.
    """

    webhook: Webhook
    deliveries: list[Delivery]
    older: str | None
    failed_count: int


def read_overview(
    tx: WebhookTransaction, webhook_id: str, before: str | None, state: DeliveryState | None
) -> WebhookOverview:
    """Raises ``NotFound``."""
    webhook = management.get_webhook(tx, webhook_id)
    found = replay.list_deliveries(tx, webhook_id, before, PAGE_SIZE + 1, state)
    older = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    failed_count = tx.deliveries.count_failed(webhook_id, MAX_COUNTED + 1)
    return WebhookOverview(webhook, found[:PAGE_SIZE], older, failed_count)


def badge_of_webhook(webhook: Webhook) -> Badge:
    """On, failing or off."""
    if not webhook.is_on:
        return Badge("off", "Off")
    return Badge("good", "On") if webhook.failing_since_ms is None else Badge("bad", "Failing")


def badge_of_delivery(delivery: Delivery) -> Badge:
    """The status of a delivery."""
    return Badge(*_BADGES[delivery.state])


def explain_off(webhook: Webhook) -> str:
    """Why a webhook is off; empty if it is on."""
    return "" if webhook.off_reason is None else OFF_REASONS[webhook.off_reason]


def describe_events(webhook: Webhook) -> str:
    """Its patterns, for people."""
    return "All events" if webhook.events == (EVERYTHING,) else ", ".join(webhook.events)
