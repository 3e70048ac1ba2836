"""The audit log: one event for every change, written in the transaction of the change.

Events are never updated or deleted; each holds the hash of the one before (security.md 21).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ari.base.clock import HOUR_MS, to_rfc3339
from ari.base.ids import is_id, new_id

BOUNDED_EVENTS = 3
"""How many events of one name about one subject ``append_bounded`` writes within a span of time."""

EVENT_NAMES = {
    "key_created": "An API key was created.",
    "key_imported": "An API key of another system was imported by its hash.",
    "key_rehashed": "An imported key was first used; ARI now stores its own hash instead of the salted one.",
    "keys_imported": "API keys of other systems were imported; each also has its own event.",
    "kind_added": "A kind of keys was added.",
    "kind_changed": "The description or defaults of a kind of keys changed.",
    "kind_removed": "A kind of keys was removed.",
    "key_renamed": "An API key got another name.",
    "key_scopes_changed": "The scopes of an API key changed.",
    "key_expiry_changed": "The expiry of an API key changed.",
    "key_limits_changed": "The limits of an API key changed.",
    "key_credits_changed": "The credits of an API key, or their refill, were set or removed.",
    "key_limits_reset": "Limits of an API key were reset: nothing counts as used.",
    "key_credits_added": "Credits were added to an API key.",
    "key_budgets_changed": "The budgets of an API key changed.",
    "key_budget_increased": "A budget of an API key was raised until its current period ends.",
    "key_budgets_reset": "Budgets of an API key were reset: nothing counts as used.",
    "key_rotated": "An API key got a new secret; the old one retires at the end of the overlap.",
    "key_secret_retired": "An old secret of an API key was retired before the end of its overlap.",
    "key_may_rotate_changed": "The holder of an API key was allowed to rotate it, or no longer.",
    "key_disabled": "An API key was disabled; it can be enabled again.",
    "key_enabled": "A disabled API key was enabled again.",
    "key_revoked": "An API key was permanently revoked.",
    "key_deleted": "An inactive API key was deleted; its usage and events are kept.",
    "scope_declared": "A scope of your own API was declared.",
    "scope_changed": "The description of a declared scope changed.",
    "scope_removed": "A declared scope was removed, and from the keys that held it.",
    "key_addresses_changed": "The IP addresses that an API key works from changed.",
    "key_models_changed": "The AI models that an API key may use changed.",
    "key_environment_changed": "An API key was moved to another environment.",
    "key_consumer_changed": "An API key was given to another consumer, or to none.",
    "key_tags_changed": "The tags of an API key changed.",
    "key_metadata_changed": "The metadata of an API key changed.",
    "ai_budgets_changed": "The budgets of the instance or of its providers changed, were raised or reset.",
    "instance_policy_changed": "The rules for all API keys changed: the longest lifetime, or disabling unused keys.",
    "consumer_created": "A consumer was created.",
    "consumer_changed": "A consumer got another name, external ID or metadata.",
    "consumer_limits_changed": "The limits that a consumer's keys share changed.",
    "consumer_models_changed": "The AI models that a consumer's keys may use changed.",
    "consumer_credits_changed": "The credits that a consumer's keys share, or their refill, were set or removed.",
    "consumer_limits_reset": "Limits that a consumer's keys share were reset: nothing counts as used.",
    "consumer_credits_added": "Credits were added to those that a consumer's keys share.",
    "consumer_budgets_changed": "The budgets that a consumer's keys share changed.",
    "consumer_budget_increased": "A budget that a consumer's keys share was raised until its current period ends.",
    "consumer_budgets_reset": "Budgets that a consumer's keys share were reset: nothing counts as used.",
    "consumer_deleted": "A consumer without API keys was deleted.",
    "preset_saved": "A preset was created or changed.",
    "preset_removed": "A preset was removed, or reset to ARI's own.",
    "default_preset_changed": "Another preset became the default for new keys.",
    "key_exposed": "An API key was sent in a URL, where logs and histories store it.",
    "key_leaked": "An API key that worked was reported as leaked; `action` is what ARI did.",
    "unauthorized_route": "A request reached an endpoint it wasn't authorized for and got a 404. This is a bug in ARI.",
    "owner_created": "The owner account was created.",
    "signed_in": "Someone signed in.",
    "sign_in_refused": "A sign-in was refused: wrong password or unknown account.",
    "signed_out": "A session ended by signing out.",
    "sessions_ended": "All sessions of an account were ended.",
    "password_changed": "The password of an account changed; its sessions ended.",
    "email_changed": "The email address of an account changed.",
    "code_refused": "A sign-in, or turning off two-factor authentication, was refused: wrong or used code.",
    "session_ended": "One session was signed out from another.",
    "identity_confirmed": "A session re-entered its password before a sensitive action.",
    "confirmation_refused": "A session entered a wrong password before a sensitive action.",
    "two_factor_enabled": "Two-factor authentication was turned on; the account's other sessions ended.",
    "two_factor_disabled": "Two-factor authentication was turned off; the account's other sessions ended.",
    "backup_codes_made": "New backup codes were generated; the old ones no longer work.",
    "master_key_rotated": "All stored secrets were encrypted with a different master key.",
    "provider_key_added": "A provider key was added.",
    "provider_key_replaced": "A provider key was replaced.",
    "provider_key_removed": "A provider key or its base URL was removed.",
    "provider_key_changed": "The label or place of a provider key changed.",
    "provider_key_choice_changed": "How requests get one of a provider's keys changed.",
    "upstream_added": "A named upstream was added.",
    "upstream_renamed": "The title of a named upstream changed.",
    "upstream_removed": "A named upstream was removed, with its keys and base URL.",
    "provider_key_rejected": "A provider rejected its key. Not recorded again until the key is accepted.",
    "integration_base_url_changed": "The base URL of a provider changed; the key stored for the old one was deleted.",
    "integration_tested": "A provider key was tested.",
    "integration_unreachable": "A provider was unreachable or failed. Not recorded again until it responds.",
    "integration_works_again": "A failing provider accepted its key again.",
    "ai_aliases_changed": "The other names for models changed.",
    "ai_prices_changed": "The own prices of models, or discounts, changed; `detail` has the old and the new ones.",
    "webhook_added": "A webhook was added.",
    "webhook_changed": "The name, URL or events of a webhook changed.",
    "webhook_removed": "A webhook was removed, with its deliveries.",
    "webhook_secret_rotated": "A webhook got a new signing secret; the old one signs for a day, unless it was retired.",
    "webhook_turned_on": "A webhook was turned on.",
    "webhook_turned_off": "A webhook was turned off, by someone or because it can't be delivered; `reason` says why.",
    "webhook_failing": "A webhook has failed for a day. Not recorded again until a delivery succeeds.",
    "webhook_replayed": "Deliveries of a webhook were queued again.",
    "webhook_tested": "A test was sent to a webhook.",
    "usage_exported": "Usage was exported.",
    "events_exported": "The audit log was exported.",
    "usage_erased": "A client address was erased from usage rows.",
    "backup_written": "A backup was written.",
    "backup_failed": "Scheduled backups failed at least twice in a row. Recorded again once a day.",
    "backup_restored": "A backup was restored into this instance.",
    "key_expiring": "An API key in use expires in 7 days or in 1 day.",
    "key_secret_retiring": "The old secret of a rotated API key retires soon and is still in use.",
    "key_expired_in_use": "An API key expired while still in use.",
    "dead_key_called": "A revoked or expired API key is still being used.",
    "key_new_address": "An API key was used from a new network after its first day.",
    "refused_burst": "Many attempts with one key or from one IP address were refused within minutes.",
    "budget_threshold_reached": "A budget for AI requests was used to 50, 80 or 100 percent in its period.",
    "keys_unused": "Some API keys have been unused for a long time.",
    "password_reset_requested": "A password reset link was requested.",
    "email_change_requested": "A new email address was requested for an account; it must be confirmed first.",
    "notification_switched": "A notification was turned on or off.",
    "mail_tested": "A test email was sent.",
    "database_accepted": "An operator accepted a database that lacks changes a node had seen.",
    "events_removed": "Events older than the retention period were removed from the audit log.",
    "audit_accepted": "The current audit log was signed, at an upgrade or after someone reviewed a problem.",
    "audit_copies_taken_over": "A restored instance was allowed to continue the copies of the original's audit log.",
    "clock_stepped": "The system clock was set forward or back by more than five minutes.",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a command came.

    ``door`` is ``api``, ``web``, ``cli`` or ``system``; the rest is known only for doors that have it.
    """

    door: str
    client_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``actor`` did it (``usr_…``, ``key_…``, ``cli:alice``, ``system``), ``subject`` is the id of its object,
    ``detail`` holds more facts (JSON, never a secret).
    """

    id: str
    at_ms: int
    name: str
    actor: str
    subject: str | None
    origin: Origin
    detail: dict[str, Any] = field(default_factory=dict)


def chain_hash(previous: str, event: Event) -> str:
    """Hex SHA-256 over the hash of the event before and every field of this one."""
    origin = event.origin
    fields = [
        event.id,
        event.at_ms,
        event.name,
        event.actor,
        event.subject,
        [origin.door, origin.client_address, origin.user_agent, origin.request_id],
        event.detail,
    ]
    body = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def make_count_event(name: str, subject: str | None, counted: int, began_at_ms: int, now_ms: int) -> Event:
    """The event that summarizes those that were only counted since ``began_at_ms``."""
    detail = {"counted": counted, "since": to_rfc3339(began_at_ms)}
    return Event(new_id("evt", now_ms), now_ms, name, "system", subject, Origin("system"), detail)


def event_facts(event: Event) -> dict[str, Any]:
    """The JSON of an event, the same at every door."""
    origin = event.origin
    return {
        "id": event.id,
        "time": to_rfc3339(event.at_ms),
        "name": event.name,
        "actor": event.actor,
        "subject": event.subject,
        "door": origin.door,
        "client_address": origin.client_address,
        "user_agent": origin.user_agent,
        "request_id": origin.request_id,
        "detail": event.detail,
    }


def find_recorded_name(event: Event) -> str | None:
    """The name of a webhook as its event recorded it. The webhook may be gone, and its URL is a secret."""
    if event.subject is None or not is_id("whk", event.subject):
        return None
    changed = event.detail.get("to")
    name = (changed if isinstance(changed, dict) else event.detail).get("name")
    return name if isinstance(name, str) else None


class EventStore(Protocol):
    """The audit log inside one transaction."""

    def append(self, event: Event) -> None:
        """Add an event, chained to the one before."""

    def append_all(self, events: Sequence[Event]) -> None:
        """Add many events in this order."""

    def append_bounded(self, event: Event, most: int = BOUNDED_EVENTS, within_ms: int = HOUR_MS) -> None:
        """Add an event that a stranger can cause without end: after ``most`` of its name and subject it is counted.

        When ``within_ms`` are over, one event of the same name says how many were counted (``make_count_event``).
        """

    def append_counts(self, now_ms: int) -> int:
        """Write the events of all counts whose time is over; how many."""

    def any_counts(self, now_ms: int) -> bool:
        """Whether ``append_counts`` has something to do."""

    def page(self, subject: str | None, before_id: str | None, limit: int) -> list[Event]:
        """Newest first; ``subject`` narrows to one thing."""

    def newest(self) -> tuple[str, str] | None:
        """The id and the hash of the last event."""

    def has(self, subject: str, name: str) -> bool:
        """Whether an event of this name was ever written of this subject."""
