"""Email notifications of a remote instance."""

from typing import Any

from ari.cli.remote.connection import Connection


class RemoteNotifications:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> dict[str, Any]:
        """``mail``: how email is sent; ``items``: the kinds of notification."""
        return self._connection.get("notifications")

    def switch(self, kind: str, *, on: bool) -> dict[str, Any]:
        return self._connection.send("PATCH", "notifications", kind, body={"on": on})

    def list_history(self, limit: int) -> list[dict[str, Any]]:
        """At most ``limit`` notices, newest first."""
        return self._connection.list_items("notifications", "history", limit=limit)

    def send_test(self) -> dict[str, Any]:
        return self._connection.send("POST", "notifications", "test")
