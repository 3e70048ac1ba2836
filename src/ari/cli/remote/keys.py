"""Keys of a remote instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import Conflict, Forbidden, NotFound, Problem
from ari.base.ids import is_id
from ari.cli.key_reference import parse_hint, require_one
from ari.cli.matched_by import MatchedBy
from ari.cli.remote.bodies import list_given, require_none
from ari.cli.remote.connection import Connection
from ari.cli.remote.consumers import RemoteConsumers
from ari.keys import MAX_KEYS_AT_ONCE, BulkChange, KeyChange, NewKey, Rotation
from ari.keys.names import fold_name
from ari.keys.scopes import holds

_FITTING = {"revoke": ("active", "disabled"), "disable": ("active",), "expire": ("active", "disabled")}
"""The statuses of keys that a change of many keys fits."""


class RemoteKeys:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._consumers = RemoteConsumers(connection)
        self.complete_until: str | None = None
        """Before when all requests were counted in the list that was read last; ``None`` if all were."""

    def create(self, new: NewKey, problems: Sequence[Problem]) -> dict[str, Any]:
        """``key`` and ``secret``; ``same_name`` and ``look_alikes`` are 0: the API doesn't count them."""
        require_none(problems)
        body = {name: value for name, value in list_given(new).items() if value not in (None, [])}
        for name in ("limits", "credits", "budgets", "models"):
            if name in list_given(new):
                body[name] = getattr(new, name)
        created = self._connection.send("POST", "keys", body=self._name_consumer(body), repeatable=True)
        return created | {"same_name": 0, "look_alikes": 0}

    def list_by(self, sort: str, **filters: Any) -> list[dict[str, Any]]:
        """All matching keys in this order."""
        query = {name: value or None for name, value in filters.items()}
        query["status"] = query.pop("activity", None)
        pages = list(self._connection.list_pages("keys", sort=sort, **self._name_consumer(query)))
        self.complete_until = min(filter(None, (page.get("complete_until") for page in pages)), default=None)
        return [key for page in pages for key in page["items"]]

    def find(self, text: str, *, even_deleted: bool = False) -> dict[str, Any]:  # noqa: ARG002 - as for a data directory
        """The key with this ID, or that alone has this prefix or name, as lists show it.

        The API doesn't show deleted keys. Raises ``NotFound`` and ``Invalid``.
        """
        if is_id("key", text):
            return self._connection.get("keys", text)
        hint = parse_hint(text)
        listed = self._connection.list_items("keys", text=hint) if text.isprintable() and text else []
        matches = [key for key in listed if key["hint"] == hint]
        if not matches:
            matches = [key for key in listed if fold_name(key["name"]) == fold_name(text)]
            matches = [key for key in matches if key["status"] not in ("revoked", "expired")] or matches
        require_one([key["id"] for key in matches])
        return dict(matches[0])

    def get(self, text: str) -> dict[str, Any]:
        """Everything about a key: with ``secrets``, without their text, and ``remaining``."""
        return self._connection.get("keys", self._find_id(text))

    def find_revocation(self, key_id: str) -> tuple[str | None, str | None]:
        """Who revoked the key, and why."""
        found = self._connection.list_items("events", limit=1, subject=key_id, name="key_revoked")
        return (found[0]["actor"], found[0]["detail"].get("reason")) if found else (None, None)

    def list_refills(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The refills of the credits of a key and, as far as the key for the instance may read it, its consumer."""
        granted = [key["credits"]]
        if key["consumer"] is not None:
            with suppress(Forbidden, NotFound):
                granted.append(self._connection.get("consumers", key["consumer"]["id"])["credits"])
        return [one["refill"] for one in granted if one is not None and one["refill"] is not None]

    def change(self, text: str, wanted: KeyChange) -> dict[str, Any]:
        key_id = self._find_id(text)
        body = self._name_consumer(list_given(wanted))
        return self._detail(self._connection.send("PATCH", "keys", key_id, body=body))

    def reset_limits(self, text: str, names: list[str] | None) -> dict[str, Any]:
        """The key with what remains."""
        body = None if names is None else {"limits": names}
        return self._connection.send("POST", "keys", self._find_id(text), "limits", "reset", body=body)

    def add_credits(self, text: str, amount: int) -> dict[str, Any]:
        """The key with what remains."""
        key_id = self._find_id(text)
        self._connection.send("POST", "keys", key_id, "credits", "add", body={"amount": amount}, repeatable=True)
        return self._connection.get("keys", key_id)

    def increase_budget(self, text: str, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        """The key with what remains."""
        body = {"name": name, **amount}
        path = ("keys", self._find_id(text), "budgets", "increase")
        return self._connection.send("POST", *path, body=body, repeatable=True)

    def reset_budgets(self, text: str, names: list[str] | None) -> dict[str, Any]:
        """The key with what remains."""
        body = None if names is None else {"budgets": names}
        return self._connection.send("POST", "keys", self._find_id(text), "budgets", "reset", body=body)

    def list_made_by(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The active keys that this key created, and theirs. The API doesn't show which keys it gave more access."""
        if not holds(tuple(key["scopes"]), "keys:write"):
            return []
        active = self._connection.list_items("keys", status="active")
        made: list[dict[str, Any]] = []
        makers = {key["id"]}
        while found := [one for one in active if one["created_by"] in makers and one not in made]:
            made += found
            makers |= {one["id"] for one in found}
        return made

    def revoke(self, key_id: str, reason: str | None, *, with_made: bool, with_use: bool) -> dict[str, Any]:
        """The revoked key; ``with_use`` is as for a local one."""
        body = {"reason": reason, "with_made": with_made}
        revoked: dict[str, Any] = self._connection.send("POST", "keys", key_id, "revoke", body=body)
        return self._detail(revoked) if with_use else revoked

    def delete(self, key_id: str) -> None:
        self._connection.send("DELETE", "keys", key_id)

    def rotate(self, key_id: str, wanted: Rotation) -> dict[str, Any]:
        """The key and, this once, the text of its new secret."""
        return self._connection.send("POST", "keys", key_id, "rotate", body=list_given(wanted), repeatable=True)

    def retire_old(self, key_id: str) -> dict[str, Any]:
        return self._connection.send("POST", "keys", key_id, "retire-old")

    def get_secret_use(self, key: Mapping[str, Any], number: int) -> dict[str, Any]:
        """A secret of the key that ``get`` returned, and who uses it."""
        return self._connection.get("keys", key["id"], "secrets", str(number))

    def find_unused_scopes(self, key_id: str) -> dict[str, Any]:
        """Advice about the scopes of a key."""
        return self._connection.get("keys", key_id, "unused-scopes")

    def list_affected(self, by: MatchedBy, wanted: BulkChange) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All matching keys that the change fits, newest first, and some that it doesn't."""
        found = self._change_many(by, wanted, None, dry_run=True)
        listed, left_out = found["items"], found["left_out"]
        if found["remaining"]:  # a dry run lists the first ones only
            query = self._name_consumer(by._asdict())
            unfit = {one["id"] for one in left_out}
            listed = [
                key
                for key in self._connection.list_items("keys", **query)
                if key["status"] in _FITTING[wanted.action] and key["id"] not in unfit
            ]
        return listed, left_out

    def change_next(self, by: MatchedBy, wanted: BulkChange, listed: Sequence[str], done: int) -> list[dict[str, Any]]:
        """Change the next of the listed keys, the newest first. Raises ``Conflict`` if they aren't those that match."""
        step = listed[done : done + MAX_KEYS_AT_ONCE]
        if len(listed) <= MAX_KEYS_AT_ONCE:
            return list(self._change_many(by, wanted, step, dry_run=False)["items"])
        if not done and [key["id"] for key in self.list_affected(by, wanted)[0]] != list(listed):
            raise Conflict("keys_changed", "The matching keys changed.")
        return list(self._change_many(MatchedBy(None, None, None), wanted, step, dry_run=False)["items"])

    def verify(
        self, token: str, scopes: Sequence[str], address: str | None, cost: int, limits: Sequence[str] | None
    ) -> dict[str, Any]:
        """The verdict on a key. Raises ``Invalid``, and ``Unavailable`` if ARI can't decide."""
        given: dict[str, Any] = {
            "key": token,
            "scopes": scopes,
            "client_address": address,
            "cost": cost,
            "limits": limits,
        }
        body = {name: value for name, value in given.items() if value is not None}
        return self._connection.send("POST", "verify", body=body)

    def import_lines(self, values: Mapping[int, Any], *, dry_run: bool, all_or_nothing: bool) -> list[dict[str, Any]]:
        """The results of these lines, as the API returns them. Raises ``Invalid``."""
        body = {"keys": list(values.values()), "dry_run": dry_run, "all_or_nothing": all_or_nothing}
        found = self._connection.send("POST", "keys", "import", body=body)["items"]
        return [one | {"line": line} for one, line in zip(found, values, strict=True)]

    def _change_many(
        self, by: MatchedBy, wanted: BulkChange, listed: Sequence[str] | None, *, dry_run: bool
    ) -> dict[str, Any]:
        given: dict[str, Any] = {**by._asdict(), "reason": wanted.reason, "key_ids": listed}
        body = {name: value for name, value in given.items() if value is not None}
        if wanted.action == "expire":
            assert wanted.expires_at_ms is None or isinstance(wanted.expires_at_ms, int)
            body["expires_at"] = to_optional_rfc3339(wanted.expires_at_ms)
        body |= {"action": wanted.action, "dry_run": dry_run}
        return self._connection.send("POST", "keys", "bulk", body=self._name_consumer(body))

    def _name_consumer(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The same fields, with the ID of the consumer that people named."""
        named = fields.get("consumer")
        return fields if named is None else fields | {"consumer": self._consumers.find_id_of_keys(named)}

    def _find_id(self, text: str) -> str:
        return text if is_id("key", text) else str(self.find(text)["id"])

    def _detail(self, changed: dict[str, Any]) -> dict[str, Any]:
        """The changed key with its secrets and what remains; without, for a key that may not read keys."""
        try:
            return self._connection.get("keys", changed["id"])
        except Forbidden:
            return changed | {"secrets": [], "remaining": []}
