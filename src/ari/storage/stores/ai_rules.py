"""The rules for AI requests in SQL; implements ``integrations.ai_rules.model.AiRulesStore``."""

from sqlalchemy import Connection, delete, select

from ari.integrations.ai_rules.model import PARTS, AiRules, Part, PartName, decode_rules, encode_part
from ari.storage.dialect import insert
from ari.storage.tables import instance_policy

_t = instance_policy.c
NAMES = tuple(f"ai_{name}" for name in PARTS)
"""The rows of the parts, in their order."""


class AiRulesTable:
    """The rules inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> AiRules:
        rows = self._connection.execute(select(_t.name, _t.value).where(_t.name.in_(NAMES)))
        found = {row.name: row.value for row in rows}
        return decode_rules(tuple(found.get(name) for name in NAMES))

    def save(self, name: PartName, part: Part, actor: str, now_ms: int) -> None:
        if part == type(part)():
            self._connection.execute(delete(instance_policy).where(_t.name == f"ai_{name}"))
            return
        changed = {"value": encode_part(part), "changed_at_ms": now_ms, "changed_by": actor}
        row = insert(self._connection, instance_policy).values(name=f"ai_{name}", **changed)
        self._connection.execute(row.on_conflict_do_update(index_elements=[_t.name], set_=changed))
