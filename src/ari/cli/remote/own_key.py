"""The key with which the command line calls a remote instance."""

from typing import Any

from ari.cli.remote.connection import Connection


class RemoteOwnKey:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> dict[str, Any]:
        """``key``, and which of its secrets was sent."""
        return self._connection.get("me")

    def rotate(self, overlap: str, retire_old_now: bool) -> dict[str, Any]:
        """The key and, this once, the text of its new secret."""
        body = {"overlap": overlap, "retire_old_now": retire_old_now}
        return self._connection.send("POST", "me", "rotate", body=body, repeatable=True)

    def revoke(self, reason: str | None) -> dict[str, Any]:
        return self._connection.send("POST", "me", "revoke", body={"reason": reason})
