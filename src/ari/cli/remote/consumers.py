"""Consumers of a remote instance."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.base.errors import Invalid, NotFound, Problem
from ari.base.ids import is_id
from ari.cli.remote.bodies import list_given, require_none
from ari.cli.remote.connection import Connection
from ari.keys import ConsumerChange, NewConsumer

_MISSING = "No such consumer. Use its name, ID or external ID; create it first if it's new."


class RemoteConsumers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, new: NewConsumer, problems: Sequence[Problem]) -> dict[str, Any]:
        require_none(problems)
        body = {name: value for name, value in list_given(new).items() if value not in (None, [])}
        return self._connection.send("POST", "consumers", body=body, repeatable=True)

    def list_all(self, text: str) -> list[dict[str, Any]]:
        return self._connection.list_items("consumers", text=text or None)

    def get(self, reference: str) -> dict[str, Any]:
        """The consumer with what remains of its limits."""
        return self._connection.get("consumers", self.find_id(reference))

    def change(self, reference: str, wanted: ConsumerChange, problems: Sequence[Problem]) -> dict[str, Any]:
        require_none(problems)
        return self._connection.send("PATCH", "consumers", self.find_id(reference), body=list_given(wanted))

    def reset_limits(self, reference: str, names: list[str] | None) -> dict[str, Any]:
        body = None if names is None else {"limits": names}
        return self._connection.send("POST", "consumers", self.find_id(reference), "limits", "reset", body=body)

    def add_credits(self, reference: str, amount: int) -> dict[str, Any]:
        consumer_id = self.find_id(reference)
        path = ("consumers", consumer_id, "credits", "add")
        self._connection.send("POST", *path, body={"amount": amount}, repeatable=True)
        return self._connection.get("consumers", consumer_id)

    def increase_budget(self, reference: str, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        path = ("consumers", self.find_id(reference), "budgets", "increase")
        return self._connection.send("POST", *path, body={"name": name, **amount}, repeatable=True)

    def reset_budgets(self, reference: str, names: list[str] | None) -> dict[str, Any]:
        body = None if names is None else {"budgets": names}
        return self._connection.send("POST", "consumers", self.find_id(reference), "budgets", "reset", body=body)

    def delete(self, consumer_id: str) -> None:
        self._connection.send("DELETE", "consumers", consumer_id)

    def find_id(self, reference: str) -> str:
        """The ID for an ID, external ID or name, as people use them; the API itself takes no names.

        Raises ``NotFound``, and ``Invalid`` for a name that fits several consumers.
        """
        if is_id("con", reference):
            return reference
        if not reference.isprintable() or not reference:
            raise NotFound("No such consumer.")
        named = reference.casefold()
        found = [
            one["id"]
            for one in self.list_all(reference)
            if one["external_id"] == reference or one["name"].casefold() == named
        ]
        if len(found) > 1:
            raise Invalid(Problem("consumer", "Several consumers have this name or external ID. Use the ID."))
        if not found:
            raise NotFound("No such consumer.")
        return str(found[0])

    def find_id_of_keys(self, reference: str | None) -> str | None:
        """The ID of the consumer whose keys are meant. Raises ``Invalid`` if there is none."""
        if reference is None:
            return None
        try:
            return self.find_id(reference)
        except NotFound:
            raise Invalid(Problem("consumer", _MISSING)) from None
