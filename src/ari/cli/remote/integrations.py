"""Provider keys of a remote instance."""

from typing import Any

from ari.base.errors import Conflict
from ari.cli.remote.connection import Connection
from ari.integrations.model import KeyChoice


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
        """The masks of the stored keys that ``set_base_url`` would delete, if any."""
        found = self.get(name)
        is_same = (base_url or "").rstrip("/") == (found["base_url"] or "")
        if is_same or not found["keys"]:
            return None
        others = len(found["keys"]) - 1
        mask: str = found["keys"][0]["mask"]
        return f"{mask} and {others} more" if others else mask

    def set_base_url(self, name: str, base_url: str | None, agreed: str | None, *, force: bool) -> dict[str, Any]:
        """Set the base URL, which deletes the ``agreed`` key, or with ``force`` any. Raises ``Conflict`` for others."""
        if not force and self.find_key_lost_by(name, base_url) != agreed:
            title = self.get(name)["title"]
            raise Conflict("key_changed", f"The {title} key just changed. Nothing was done. Try again.")
        return self._connection.send("PUT", "integrations", name, body={"base_url": base_url})

    def remove(self, name: str) -> None:
        self._connection.send("DELETE", "integrations", name)

    def test(self, name: str, key_id: str | None) -> dict[str, Any]:
        """``outcome`` and ``words`` of a test of the key, or of the first."""
        place = () if key_id is None else ("keys", key_id)
        return self._connection.send("POST", "integrations", name, *place, "test")

    def add_key(self, name: str, key: str, label: str) -> dict[str, Any]:
        return self._connection.send("POST", "integrations", name, "keys", body={"key": key, "label": label})

    def change_key(self, name: str, key_id: str, change: dict[str, Any]) -> dict[str, Any]:
        """Set what ``change`` names: ``key``, ``label``, ``position``."""
        return self._connection.send("PATCH", "integrations", name, "keys", key_id, body=change)

    def remove_key(self, name: str, key_id: str) -> None:
        self._connection.send("DELETE", "integrations", name, "keys", key_id)

    def set_key_choice(self, name: str, choice: KeyChoice) -> None:
        self._connection.send("PUT", "integrations", name, body={"key_choice": choice})

    def list_upstreams(self) -> list[dict[str, Any]]:
        return list(self._connection.get("upstreams")["items"])

    def add_upstream(self, name: str, title: str, base_url: str) -> dict[str, Any]:
        body = {"name": name, "title": title, "base_url": base_url}
        return self._connection.send("POST", "upstreams", body=body)

    def remove_upstream(self, name: str) -> None:
        self._connection.send("DELETE", "upstreams", name)
