"""The key of a request, as the handlers of a service see it."""

from typing import Any

import msgspec

from ari.base.clock import to_optional_rfc3339
from ari.keys import scopes
from ari.keys.commands.consumers import consumer_facts
from ari.keys.model import ApiKey
from ari.keys.ownership import metadata_facts


class KeyConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a key belongs to. ``external_id`` is the operator's own ID of the consumer."""

    id: str
    name: str
    external_id: str | None = None
    metadata: dict[str, Any] = {}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Public details of a verified key; the secret is not among them.

    ``hint`` is the first and last characters of the secret sent, ``expires_at`` an RFC 3339 time or ``None`` for never.
    ``verified`` is false only where ARI was unavailable and ``on_unavailable="allow"`` let the request pass: the key is
    then unknown, without an ID and without scopes.
    """

    id: str
    name: str
    hint: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: str | None = None
    secret_number: int = 1
    secret_retires_at: str | None = None
    kind: str | None = None
    environment: str = "live"
    consumer: KeyConsumer | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    verified: bool = True

    def has(self, scope: str) -> bool:
        """Whether the key holds this scope, or a wildcard that covers it."""
        return scopes.holds(self.scopes, scope)

    def has_all(self, wanted: tuple[str, ...]) -> bool:
        """Whether the key holds each of these scopes."""
        return scopes.holds_all(self.scopes, wanted)


UNVERIFIED = Key(id="", name="not verified", verified=False)


def describe_key(key: ApiKey) -> Key:
    """The public details of a stored key; the same as ``/api/verify`` gives."""
    consumer = None if key.consumer is None else KeyConsumer(**consumer_facts(key.consumer))
    secret = key.secret
    return Key(
        id=key.id,
        name=key.name,
        hint=key.used_hint,
        scopes=key.scopes,
        expires_at=to_optional_rfc3339(key.expires_at_ms),
        secret_number=1 if secret is None else secret.number,
        secret_retires_at=None if secret is None else to_optional_rfc3339(secret.retires_at_ms),
        kind=key.kind,
        environment=key.environment,
        consumer=consumer,
        tags=key.tags,
        metadata=metadata_facts(key.metadata),
    )
