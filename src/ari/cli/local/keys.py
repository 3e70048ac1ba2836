"""Keys of the instance in the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ari import keys
from ari.base.clock import to_optional_rfc3339
from ari.cli.local.find_key import find_key
from ari.cli.local.limits import describe_remaining
from ari.keys.limits.fields import describe_credits
from ari.usage.model import NO_USE
from ari.usage.reports.facts import key_facts, rotation_facts, secret_facts, secret_use_facts
from ari.usage.reports.queries import last_uses_of_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ari.base.errors import Problem
    from ari.cli.matched_by import MatchedBy
    from ari.deps import Deps
    from ari.keys import BulkChange, KeyChange, NewKey, Rotation
    from ari.keys.listing import KeyListTransaction
    from ari.keys.model import ApiKey

_PAGE = 200


class LocalKeys:
    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.complete_until: str | None = None
        """Before when all requests were counted in the list that was read last; ``None`` if all were."""

    def create(self, new: NewKey, problems: Sequence[Problem]) -> dict[str, Any]:
        """``key`` and ``secret``; ``same_name`` and ``look_alikes``: how many active keys have such a name."""
        created = self._deps.do_sync(keys.create, new, problems)
        return {
            "key": key_facts(created.key, NO_USE, self._deps.instance.now_ms()),
            "secret": created.secret,
            "same_name": created.same_name,
            "look_alikes": created.look_alikes,
        }

    def list_by(self, sort: str, **filters: Any) -> list[dict[str, Any]]:
        """All matching keys in this order."""
        from ari.cli.local.listing import list_keys_by

        self.complete_until = to_optional_rfc3339(self._deps.instance.reports.complete_until_ms())
        return self._deps.read_sync(list_keys_by, self._deps.instance.key_use, sort, filters)

    def find(self, text: str, *, even_deleted: bool = False) -> dict[str, Any]:
        """The key with this ID, prefix or name, without its use. ``even_deleted`` also finds a deleted key, by its ID.

        Raises ``NotFound`` and ``Invalid``.
        """
        return self._describe_without_use(self._deps.read_sync(find_key, text, even_deleted=even_deleted))

    def get(self, text: str) -> dict[str, Any]:
        """Everything about a key: with ``secrets``, without their text, and ``remaining``."""
        key = self._deps.read_sync(find_key, text)
        return self._detail(key)

    def find_revocation(self, key_id: str) -> tuple[str | None, str | None]:
        """Who revoked the key, and why."""
        key = self._deps.read_sync(keys.get, key_id)
        return key.revoked_by, key.revoke_reason

    def list_refills(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The refills of the credits of a key and its consumer."""
        found = self._deps.read_sync(keys.get, key["id"])
        granted = [owner.rules.credits for owner in found.rule_owners if owner.rules.credits is not None]
        return [facts["refill"] for facts in map(describe_credits, granted) if facts["refill"] is not None]

    def change(self, text: str, wanted: KeyChange) -> dict[str, Any]:
        def change(tx: KeyListTransaction) -> ApiKey:
            return keys.change(tx, find_key(tx, text).id, wanted)

        return self._detail(self._deps.do_sync(change))

    def reset_limits(self, text: str, names: list[str] | None) -> dict[str, Any]:
        """The key with what remains."""

        def reset(tx: KeyListTransaction) -> ApiKey:
            return keys.reset_limits(tx, find_key(tx, text).id, names)

        return self._detail(self._deps.do_sync(reset))

    def add_credits(self, text: str, amount: int) -> dict[str, Any]:
        """The key with what remains."""

        def add(tx: KeyListTransaction) -> ApiKey:
            return keys.add_credits(tx, find_key(tx, text).id, amount)

        return self._detail(self._deps.do_sync(add))

    def increase_budget(self, text: str, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        """The key with what remains."""

        def increase(tx: KeyListTransaction) -> ApiKey:
            return keys.increase_budget(tx, find_key(tx, text).id, name, amount)

        return self._detail(self._deps.do_sync(increase))

    def reset_budgets(self, text: str, names: list[str] | None) -> dict[str, Any]:
        """The key with what remains."""

        def reset(tx: KeyListTransaction) -> ApiKey:
            return keys.reset_budgets(tx, find_key(tx, text).id, names)

        return self._detail(self._deps.do_sync(reset))

    def list_made_by(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The active keys that this key created or gave more access, and theirs; without their use."""
        return [self._describe_without_use(one) for one in self._deps.read_sync(keys.get_active_made_by, key["id"])]

    def revoke(self, key_id: str, reason: str | None, *, with_made: bool, with_use: bool) -> dict[str, Any]:
        """The revoked key. Without its use, this needs nothing of the usage log, which may hang."""
        key = self._deps.do_sync(keys.revoke, key_id, reason, with_made)
        return self._detail(key) if with_use else self._describe_without_use(key)

    def delete(self, key_id: str) -> None:
        self._deps.do_sync(keys.delete, key_id)

    def rotate(self, key_id: str, wanted: Rotation) -> dict[str, Any]:
        """The key and, this once, the text of its new secret."""
        rotated = self._deps.do_sync(keys.rotate, key_id, wanted)
        return rotation_facts(rotated, self._deps.instance.now_ms())

    def retire_old(self, key_id: str) -> dict[str, Any]:
        return self._detail(self._deps.do_sync(keys.retire_old, key_id))

    def get_secret_use(self, key: Mapping[str, Any], number: int) -> dict[str, Any]:
        """A secret of the key that ``get`` returned, and who uses it."""
        found = next(one for one in key["secrets"] if one["number"] == number)
        use = self._deps.instance.reports.secret_use(key["id"], number)
        return {**found, **secret_use_facts(use)}

    def find_unused_scopes(self, key_id: str) -> dict[str, Any]:
        """Advice about the scopes of a key."""
        from ari.cli.local.unused_scope_advice import find_unused

        return find_unused(self._deps, key_id)

    def list_affected(self, by: MatchedBy, wanted: BulkChange) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All matching keys that the change fits, newest first, and some that it doesn't."""
        from ari.cli.local.affected_keys import list_affected

        listed, left_out = self._deps.read_sync(list_affected, by, wanted)
        facts = self._describe(listed)
        return facts, [{"id": one.key.id, "name": one.key.name, "reason": one.reason} for one in left_out]

    def change_next(self, by: MatchedBy, wanted: BulkChange, listed: Sequence[str], done: int) -> list[dict[str, Any]]:
        """Change the next of the listed keys, the newest first. Raises ``Conflict`` if they aren't those that match."""
        from ari.cli.local.affected_keys import change_next

        return self._describe(self._deps.do_sync(change_next, by, wanted, listed, done))

    def verify(
        self, token: str, scopes: Sequence[str], address: str | None, cost: int, limits: Sequence[str] | None
    ) -> dict[str, Any]:
        """The verdict on a key. Raises ``Invalid``, and ``Unavailable`` if ARI can't decide."""
        import asyncio

        from ari.cli.local.key_verdict import verify_locally

        return asyncio.run(verify_locally(self._deps, token, scopes, address, cost, limits))

    def import_lines(self, values: Mapping[int, Any], *, dry_run: bool, all_or_nothing: bool) -> list[dict[str, Any]]:
        """The results of these lines, as the API returns them. Raises ``Invalid``."""
        if dry_run:
            results = self._deps.read_sync(keys.check_import, values).lines
        else:
            prepared = self._deps.read_sync(keys.prepare_import, values)
            results = self._deps.do_sync(keys.import_keys, prepared, all_or_nothing=all_or_nothing).lines
        return list(keys.import_facts(results, dry_run=dry_run)["items"])

    def _describe(self, listed: Sequence[ApiKey]) -> list[dict[str, Any]]:
        instance = self._deps.instance
        now_ms = instance.now_ms()
        facts: list[dict[str, Any]] = []
        for start in range(0, len(listed), _PAGE):
            page = listed[start : start + _PAGE]
            totals = instance.usage_records.totals([key.id for key in page])
            facts += [key_facts(key, totals.get(key.id, NO_USE), now_ms) for key in page]
        return facts

    def _describe_without_use(self, key: ApiKey) -> dict[str, Any]:
        return key_facts(key, NO_USE, self._deps.instance.now_ms())

    def _detail(self, key: ApiKey) -> dict[str, Any]:
        instance = self._deps.instance
        now_ms = instance.now_ms()
        totals = instance.usage_records.totals([key.id]).get(key.id, NO_USE)
        secrets = self._deps.read_sync(keys.get_secrets, key.id)
        used = last_uses_of_secrets(instance.reports, key.id, secrets, totals)
        listed = [secret_facts(secret, used.get(secret.number), now_ms) for secret in secrets]
        return key_facts(key, totals, now_ms) | {"secrets": listed} | describe_remaining(instance, key.spending_owners)
