"""Aliases of models of a remote instance."""

from collections.abc import Mapping, Sequence

from ari.cli.remote.connection import Connection


class RemoteModels:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_aliases(self) -> Mapping[str, Sequence[str]]:
        aliases: dict[str, list[str]] = self._connection.get("model-aliases")["aliases"]
        return aliases

    def replace_aliases(self, aliases: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        body = {"aliases": {name: list(models) for name, models in aliases.items()}}
        replaced: dict[str, list[str]] = self._connection.send("PUT", "model-aliases", body=body)["aliases"]
        return replaced
