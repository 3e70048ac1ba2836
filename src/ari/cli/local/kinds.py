"""Kinds of keys of the instance in the data directory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.base.errors import Problem
from ari.keys import KindChange
from ari.keys.kinds import kind_facts

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalKinds:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._deps.read_sync(keys.read_kinds_facts))

    def get(self, name: str) -> dict[str, Any]:
        return self._deps.read_sync(keys.read_kind_facts, name)

    def add(self, name: str, prefix: str, wanted: KindChange, problems: Sequence[Problem]) -> dict[str, Any]:
        return kind_facts(self._deps.do_sync(keys.add_kind, name, prefix, wanted, problems), 0)

    def change(self, name: str, wanted: KindChange, problems: Sequence[Problem]) -> dict[str, Any]:
        self._deps.do_sync(keys.change_kind, name, wanted, problems)
        return self.get(name)

    def remove(self, name: str) -> None:
        self._deps.do_sync(keys.remove_kind, name)
