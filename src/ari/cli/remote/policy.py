"""The rules for all keys of a remote instance. Only its owner may change them, so keys may not."""

from typing import Any

from ari.base.errors import Invalid, Problem
from ari.cli.remote.bodies import list_given
from ari.cli.remote.connection import Connection
from ari.keys import InstancePolicyChange

_NEVER = "Over the API, a preview can't remove a rule."


class RemotePolicy:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> dict[str, Any]:
        return self._connection.get("instance-policy")

    def change(self, wanted: InstancePolicyChange) -> dict[str, Any]:
        return self._connection.send("PATCH", "instance-policy", body=list_given(wanted))

    def preview(self, wanted: InstancePolicyChange) -> dict[str, Any]:
        given = list_given(wanted)
        removed = [name for name, value in given.items() if value is None]
        if removed:
            raise Invalid(*(Problem(name, _NEVER) for name in removed))
        return self._connection.get("instance-policy", "preview", **given)
