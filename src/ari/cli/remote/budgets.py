"""The budgets of a remote instance and of its providers."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.cli.remote.connection import Connection

_NOT_GIVEN = ("increases",)


class RemoteBudgets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> dict[str, Any]:
        return self._connection.get("budgets")

    def replace(self, provider: str | None, budgets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Replace the budgets of the provider, or of the instance for ``None``."""
        body: dict[str, Any] = {"instance": list(budgets)}
        if provider is not None:
            present = self.get()["providers"].items()
            body = {"providers": {name: [_give(one) for one in rules] for name, rules in present} | {provider: budgets}}
        return self._connection.send("PUT", "budgets", body=body)

    def increase(self, provider: str | None, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        body = {"provider": provider, "name": name, **amount}
        return self._connection.send("POST", "budgets", "increase", body=body, repeatable=True)

    def reset(self, provider: str | None, names: Sequence[str] | None) -> dict[str, Any]:
        return self._connection.send("POST", "budgets", "reset", body={"provider": provider, "budgets": names})


def _give(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a budget as a request has them."""
    return {name: value for name, value in facts.items() if value is not None and name not in _NOT_GIVEN}
