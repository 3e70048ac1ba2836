"""The rules for all keys and the presets in memory: stores that know no keys."""

from dataclasses import dataclass, field

from ari.keys.instance_policy import InstancePolicy
from ari.keys.presets import Preset


@dataclass
class MemoryInstancePolicy:
    """Fulfils ``InstancePolicyStore``."""

    policy: InstancePolicy = field(default_factory=InstancePolicy)

    def get(self) -> InstancePolicy:
        return self.policy

    def save(self, policy: InstancePolicy, actor: str, now_ms: int) -> None:
        self.policy = policy


@dataclass
class MemoryPresets:
    """Fulfils ``PresetStore``."""

    rows: dict[str, Preset] = field(default_factory=dict)
    default: str | None = None

    def all(self) -> list[Preset]:
        return list(self.rows.values())

    def save(self, preset: Preset) -> None:
        self.rows[preset.name] = preset

    def remove(self, name: str) -> None:
        self.rows.pop(name, None)

    def get_default(self) -> str | None:
        return self.default

    def set_default(self, name: str | None, now_ms: int, actor: str) -> None:
        self.default = name
