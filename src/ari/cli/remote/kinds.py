"""Kinds of keys of a remote instance."""

from collections.abc import Sequence
from typing import Any

from ari.base.errors import Problem
from ari.cli.remote.bodies import list_given, require_none
from ari.cli.remote.connection import Connection
from ari.keys import KindChange


class RemoteKinds:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("kinds")["items"])

    def get(self, name: str) -> dict[str, Any]:
        return self._connection.get("kinds", name)

    def add(self, name: str, prefix: str, wanted: KindChange, problems: Sequence[Problem]) -> dict[str, Any]:
        require_none(problems)
        body = {"name": name, "prefix": prefix, **list_given(wanted)}
        return self._connection.send("POST", "kinds", body=body)

    def change(self, name: str, wanted: KindChange, problems: Sequence[Problem]) -> dict[str, Any]:
        require_none(problems)
        return self._connection.send("PATCH", "kinds", name, body=list_given(wanted))

    def remove(self, name: str) -> None:
        self._connection.send("DELETE", "kinds", name)
