"""The API key, and the decision whether a token may do something."""

from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec
from msgspec import structs

from ari.keys.limits.charge import CONSUMER_PREFIX, RuleOwner
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model_rules import ModelRules
from ari.keys.policy import NO_POLICY, Policy
from ari.keys.reasons import Reason

Status = Literal["active", "expired", "revoked", "disabled"]
Environment = Literal["live", "test"]
ENVIRONMENTS: tuple[Environment, ...] = ("live", "test")


@dataclass(frozen=True, slots=True)
class Consumer:
    """Whom keys belong to: a customer, a team, a service. ``metadata`` is the text of a JSON object."""

    id: str
    name: str
    external_id: str | None = None
    metadata: str | None = None
    policy: Policy = NO_POLICY
    created_at_ms: int = 0
    created_by: str = ""

    @property
    def rule_owner(self) -> RuleOwner:
        """The owner of the limits that its keys share."""
        return RuleOwner(self.id, self.policy.limits)

    def with_models(self, rules: ModelRules) -> "Consumer":
        """The same consumer whose keys may use these models."""
        return replace(self, policy=structs.replace(self.policy, models=rules))

    def with_rules(self, rules: LimitRules) -> "Consumer":
        """The same consumer with these limits and credits."""
        return replace(self, policy=structs.replace(self.policy, limits=rules))


@dataclass(frozen=True, slots=True)
class KeySecret:
    """A text that authenticates as a key, without the text.

    ``scheme`` names the system that made the text (``ari``, or one of ``imports.schemes``). ``foreign_id`` is the key's
    id there: ``None`` for ARI's own secrets, empty if it is not known. ``retired_seen_at_ms`` is stamped when the
    secret is first seen retired: a clock set back revives nothing.
    """

    number: int
    hint: str
    created_at_ms: int
    retires_at_ms: int | None = None
    retired_seen_at_ms: int | None = None
    scheme: str = "ari"
    foreign_id: str | None = None

    def is_retired(self, now_ms: int) -> bool:
        """Retired from ``retires_at_ms`` on; permanently, once a request has found it retired."""
        if self.retired_seen_at_ms is not None:
            return True
        return self.retires_at_ms is not None and now_ms >= self.retires_at_ms


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as the store knows it; its secret is not in it.

    ``expired_seen_at_ms`` is stamped when the key is first seen expired: a clock set back revives nothing.
    ``deleted_at_ms`` marks the tombstone that keeps later calls recognised as this key's. ``hint`` is that of the
    newest secret; ``secret`` is the one that a lookup by digest found. ``metadata`` is the text of a JSON object.
    ``consumer`` is read with the key, and is saved as its id only.
    """

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at_ms: int
    created_by: str
    expires_at_ms: int | None = None
    expired_seen_at_ms: int | None = None
    disabled: bool = False
    revoked_at_ms: int | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None
    deleted_at_ms: int | None = None
    kind: str | None = None
    environment: Environment = "live"
    tags: tuple[str, ...] = ()
    metadata: str | None = None
    policy: Policy = NO_POLICY
    enabled_at_ms: int | None = None
    consumer: Consumer | None = None
    secret: KeySecret | None = field(default=None, compare=False)

    @property
    def used_hint(self) -> str:
        """The hint of the secret that was used, or of the newest."""
        return self.hint if self.secret is None else self.secret.hint

    @property
    def consumer_id(self) -> str | None:
        """The ID of the consumer that it belongs to."""
        return None if self.consumer is None else self.consumer.id

    @property
    def rule_owners(self) -> tuple[RuleOwner, ...]:
        """The owners of the limits that each use of the key consumes: the key itself, and its consumer."""
        own, shared = self.policy.limits, NO_RULES if self.consumer is None else self.consumer.policy.limits
        if not (own.counts_requests or shared.counts_requests):
            return ()
        return tuple(owner for owner in self.spending_owners if owner.rules.counts_requests)

    @property
    def spending_owners(self) -> tuple[RuleOwner, ...]:
        """The same, with those that have budgets, which AI requests use."""
        shared = NO_RULES if self.consumer is None else self.consumer.policy.limits
        owners = (RuleOwner(self.id, self.policy.limits),) if self.policy.limits else ()
        if shared and self.consumer is not None:
            return (*owners, RuleOwner(self.consumer.id, shared, CONSUMER_PREFIX))
        return owners

    @property
    def model_rules(self) -> tuple[ModelRules, ...]:
        """The rules of the key and of its consumer, all of which must allow a model."""
        shared = () if self.consumer is None else (self.consumer.policy.models,)
        return tuple(rules for rules in (self.policy.models, *shared) if rules)

    def with_rules(self, rules: LimitRules) -> "ApiKey":
        """The same key with these limits and credits."""
        return replace(self, policy=structs.replace(self.policy, limits=rules))

    @property
    def logged_secret(self) -> int | None:
        """The number of the secret that was used, as the log has it: ``None`` for the first and only one."""
        secret = self.secret
        return None if secret is None or (secret.number == 1 and secret.retires_at_ms is None) else secret.number

    def status(self, now_ms: int) -> Status:
        """Revoked beats expired, expired beats disabled. A deleted key is never active."""
        if self.revoked_at_ms is not None:
            return "revoked"
        if self.is_expired(now_ms):
            return "expired"
        if self.deleted_at_ms is not None:
            return "revoked"
        return "disabled" if self.disabled else "active"

    def is_expired(self, now_ms: int) -> bool:
        """Expired from ``expires_at_ms`` on; permanently, once a request has found it expired."""
        if self.expired_seen_at_ms is not None:
            return True
        return self.expires_at_ms is not None and now_ms >= self.expires_at_ms

    def is_inactive(self, now_ms: int) -> bool:
        """Revoked or expired: permanently inactive. Only inactive keys can be deleted."""
        return self.status(now_ms) in ("revoked", "expired")


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A key from another system. ``digest`` is that of its text, or of no text while only ``foreign_hash`` is known."""

    key: ApiKey
    secret: KeySecret
    digest: bytes
    foreign_hash: str | None = None


class Granted(msgspec.Struct, frozen=True):
    """The key is active and has the required scope."""

    key: ApiKey

    def __bool__(self) -> Literal[True]:
        return True


class Refused(msgspec.Struct, frozen=True):
    """Why not. ``key`` is the stored or deleted key that the token names, if any."""

    reason: Reason
    key: ApiKey | None = None

    def __bool__(self) -> Literal[False]:
        return False


Verdict = Granted | Refused
