"""The rules for all keys of the instance in the data directory."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.keys import InstancePolicyChange
from ari.usage.reports.policy_preview import preview_facts, preview_policy

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalPolicy:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def get(self) -> dict[str, Any]:
        return asdict(self._deps.read_sync(keys.get_instance_policy))

    def change(self, wanted: InstancePolicyChange) -> dict[str, Any]:
        return asdict(self._deps.do_sync(keys.change_instance_policy, wanted))

    def preview(self, wanted: InstancePolicyChange) -> dict[str, Any]:
        return preview_facts(self._deps.read_sync(preview_policy, self._deps.instance.key_use, wanted))
