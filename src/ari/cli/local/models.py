"""Aliases of models of the instance in the data directory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ari.integrations.ai_rules.change_aliases import get_aliases, set_aliases

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalModels:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_aliases(self) -> Mapping[str, Sequence[str]]:
        return self._deps.read_sync(get_aliases)

    def replace_aliases(self, aliases: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        return self._deps.do_sync(set_aliases, aliases)
