"""The instance's policy in SQL; implements ``keys.instance_policy.InstancePolicyStore``."""

import json
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from ari.keys.instance_policy import InstancePolicy
from ari.storage.tables import instance_policy

_t = instance_policy.c
_NAME = "keys"


class InstancePolicyTable:
    """The policy inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> InstancePolicy:
        value = self._connection.scalar(select(_t.value).where(_t.name == _NAME))
        return InstancePolicy() if value is None else InstancePolicy(**json.loads(value))

    def save(self, policy: InstancePolicy, actor: str, now_ms: int) -> None:
        self._connection.execute(delete(instance_policy).where(_t.name == _NAME))
        row = {"name": _NAME, "value": json.dumps(asdict(policy)), "changed_at_ms": now_ms, "changed_by": actor}
        self._connection.execute(instance_policy.insert().values(**row))
