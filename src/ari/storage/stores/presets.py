"""The operator's presets in SQL; implements ``keys.ports.PresetStore``."""

import json
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from ari.keys.presets import Preset
from ari.storage.dialect import insert
from ari.storage.tables import instance_policy, scope_presets

_t, _p = scope_presets.c, instance_policy.c
_DEFAULT = "default_preset"


class PresetTables:
    """Presets inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Preset]:
        return [_preset_of(row) for row in self._connection.execute(select(scope_presets).order_by(_t.position))]

    def save(self, preset: Preset) -> None:
        last = self._connection.scalar(select(func.max(_t.position))) or 0
        changed = {
            "label": preset.label,
            "description": preset.description,
            "scopes": " ".join(preset.scopes),
        }
        row = insert(self._connection, scope_presets).values(name=preset.name, position=last + 1, **changed)
        self._connection.execute(row.on_conflict_do_update(index_elements=[_t.name], set_=changed))

    def remove(self, name: str) -> None:
        self._connection.execute(delete(scope_presets).where(_t.name == name))

    def get_default(self) -> str | None:
        value = self._connection.scalar(select(_p.value).where(_p.name == _DEFAULT))
        return None if value is None else str(json.loads(value))

    def set_default(self, name: str | None, now_ms: int, actor: str) -> None:
        if name is None:
            self._connection.execute(delete(instance_policy).where(_p.name == _DEFAULT))
            return
        changed = {"value": json.dumps(name), "changed_at_ms": now_ms, "changed_by": actor}
        row = insert(self._connection, instance_policy).values(name=_DEFAULT, **changed)
        self._connection.execute(row.on_conflict_do_update(index_elements=[_p.name], set_=changed))


def _preset_of(row: Row[Any]) -> Preset:
    return Preset(row.name, row.label, row.description, tuple(row.scopes.split()))
