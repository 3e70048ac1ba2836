"""Provider keys of a remote instance."""

from typing import Any

from ari.base.errors import Conflict
from ari.cli.remote.connection import Connection


class RemoteIntegrations:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("integrations")["items"])

    def get(self, name: str) -> dict[str, Any]:
        return self._connection.get("integrations", name)

    def set_key(self, name: str, key: str) -> dict[str, Any]:
        return self._connection.send("PUT", "integrations", name, body={"key": key})

    def find_key_lost_by(self, name: str, base_url: str | None) -> str | None:
        """The mask of the stored key that ``set_base_url`` would delete, if any."""
        found = self.get(name)
        is_same = (base_url or "").rstrip("/") == (found["base_url"] or "")
        return None if is_same or found["source"] != "stored" else found["mask"]

    def set_base_url(self, name: str, base_url: str | None, agreed: str | None, *, force: bool) -> dict[str, Any]:
        """Set the base URL, which deletes the ``agreed`` key, or with ``force`` any. Raises ``Conflict`` for others."""
        if not force and self.find_key_lost_by(name, base_url) != agreed:
            title = self.get(name)["title"]
            raise Conflict("key_changed", f"The {title} key just changed. Nothing was done. Try again.")
        return self._connection.send("PUT", "integrations", name, body={"base_url": base_url})

    def remove(self, name: str) -> None:
        self._connection.send("DELETE", "integrations", name)

    def test(self, name: str) -> dict[str, Any]:
        """``outcome`` and ``words`` of a test of the key."""
        return self._connection.send("POST", "integrations", name, "test")
