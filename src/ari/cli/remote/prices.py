"""The own prices of a remote instance."""

from typing import Any

from ari.cli.remote.connection import Connection


class RemotePrices:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> dict[str, Any]:
        return self._connection.get("prices")

    def replace(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return self._connection.send("PUT", "prices", body=wanted)
