"""Webhooks of the instance in the data directory."""

import asyncio
from typing import TYPE_CHECKING, Any

from ari.webhooks import management, replay
from ari.webhooks.facts import delivery_facts, webhook_facts
from ari.webhooks.management import NewWebhook, WebhookChange, WebhookSecret
from ari.webhooks.model import DeliveryState

if TYPE_CHECKING:
    from ari.deps import Deps

_PAGE = 200


class LocalWebhooks:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        return [webhook_facts(one) for one in self._deps.read_sync(management.list_webhooks)]

    def get(self, webhook_id: str) -> dict[str, Any]:
        return webhook_facts(self._deps.read_sync(management.get_webhook, webhook_id))

    def add(self, wanted: NewWebhook) -> dict[str, Any]:
        """``webhook`` and its ``secret``."""
        return _describe(self._deps.do_sync(management.add_webhook, wanted))

    def change(self, webhook_id: str, wanted: WebhookChange) -> dict[str, Any]:
        return webhook_facts(self._deps.do_sync(management.change_webhook, webhook_id, wanted))

    def remove(self, webhook_id: str) -> None:
        self._deps.do_sync(management.remove_webhook, webhook_id)

    def rotate_secret(self, webhook_id: str, *, retire_old_now: bool) -> dict[str, Any]:
        """``webhook`` and its new ``secret``."""
        rotated = self._deps.do_sync(management.rotate_webhook_secret, webhook_id, retire_old_now=retire_old_now)
        return _describe(rotated)

    def send_test(self, webhook_id: str) -> dict[str, Any]:
        instance = self._deps.instance
        sender, base = instance.webhook_sender, instance.settings.public_url
        return delivery_facts(asyncio.run(replay.send_test(self._deps, sender, webhook_id, base, instance.clock)))

    def list_deliveries(self, webhook_id: str, limit: int, state: DeliveryState | None) -> list[dict[str, Any]]:
        """At most ``limit`` deliveries, newest first."""
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            wanted = min(_PAGE, limit - len(found))
            before = found[-1]["id"] if found else None
            page = self._deps.read_sync(replay.list_deliveries, webhook_id, before, wanted, state)
            found += [delivery_facts(one) for one in page]
            if len(page) < wanted:
                break
        return found

    def replay(self, webhook_id: str, delivery_id: str) -> dict[str, Any]:
        return delivery_facts(self._deps.do_sync(replay.replay, webhook_id, delivery_id))

    def replay_failed(self, webhook_id: str, since_ms: int | None) -> int:
        return asyncio.run(replay.replay_failed(self._deps, webhook_id, since_ms))


def _describe(made: WebhookSecret) -> dict[str, Any]:
    return {"webhook": webhook_facts(made.webhook), "secret": made.secret}
