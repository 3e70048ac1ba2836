"""Webhooks of a remote instance."""

from dataclasses import asdict
from typing import Any

from ari.base.clock import to_rfc3339
from ari.cli.remote.bodies import list_given
from ari.cli.remote.connection import Connection
from ari.webhooks.management import NewWebhook, WebhookChange
from ari.webhooks.model import DeliveryState


class RemoteWebhooks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("webhooks")["items"])

    def get(self, webhook_id: str) -> dict[str, Any]:
        return self._connection.get("webhooks", webhook_id)

    def add(self, wanted: NewWebhook) -> dict[str, Any]:
        """``webhook`` and its ``secret``."""
        return self._connection.send("POST", "webhooks", body=asdict(wanted), repeatable=True)

    def change(self, webhook_id: str, wanted: WebhookChange) -> dict[str, Any]:
        return self._connection.send("PATCH", "webhooks", webhook_id, body=list_given(wanted))

    def remove(self, webhook_id: str) -> None:
        self._connection.send("DELETE", "webhooks", webhook_id)

    def rotate_secret(self, webhook_id: str, *, retire_old_now: bool) -> dict[str, Any]:
        """``webhook`` and its new ``secret``."""
        body = {"retire_old_now": retire_old_now}
        return self._connection.send("POST", "webhooks", webhook_id, "rotate-secret", body=body, repeatable=True)

    def send_test(self, webhook_id: str) -> dict[str, Any]:
        return self._connection.send("POST", "webhooks", webhook_id, "test")

    def list_deliveries(self, webhook_id: str, limit: int, state: DeliveryState | None) -> list[dict[str, Any]]:
        """At most ``limit`` deliveries, newest first."""
        return self._connection.list_items("webhooks", webhook_id, "deliveries", limit=limit, state=state)

    def replay(self, webhook_id: str, delivery_id: str) -> dict[str, Any]:
        return self._connection.send("POST", "webhooks", webhook_id, "deliveries", delivery_id, "replay")

    def replay_failed(self, webhook_id: str, since_ms: int | None) -> int:
        body = {} if since_ms is None else {"since": to_rfc3339(since_ms)}
        return int(self._connection.send("POST", "webhooks", webhook_id, "replay-failed", body=body)["count"])
