"""An event for each kind of notice, as the product writes it, and what words look up for it."""

from dataclasses import dataclass, field
from typing import Any

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.base.events import Event, Origin
from ari.notifications.compose import compose
from ari.notifications.context import NoticeContext
from ari.notifications.kinds import KINDS
from ari.notifications.model import Email, EmailContent, MailConfig, Subject
from ari.outbound.email_html import render_html

AT_MS = 1_795_631_000_000
"""Wed 25 Nov 2026, 18:23:20 UTC."""
KEY_ID = "key_01KAXW3M8R5T7V9XBZDFHJKMNP"
HINT = "ari_k_7Qm2…b4Zk"
OWNER = "owner@example.com"
OFFICE = MailConfig("resend", "ARI <ari@example.net>", "https://ari.example.net", "Europe/Berlin")
WEB = Origin("web", "203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0")
KEY = {"name": "Automation Script", "hint": HINT}
LINKS = {
    name: {"url": f"https://ari.example.net/reset#token={'x' * 43}"} for name in ("password_reset", "email_change")
}


@dataclass
class Feed:
    """Fulfils ``EventFeed`` with no unread events: texts need only the keys."""

    subjects: dict[str, Subject] = field(default_factory=lambda: {KEY_ID: Subject("Automation Script", HINT)})

    def subject(self, subject_id: str) -> Subject | None:
        """A key by its id."""
        return self.subjects.get(subject_id)

    def has_unread(self) -> bool:
        return False

    def unread(self, limit: int) -> list[Event]:
        return []

    def mark_read(self, last: Event) -> None:
        pass

    def event(self, event_id: str) -> Event | None:
        return None

    def owner_address(self) -> str | None:
        return None


def event(event_name: str, /, subject: str | None = KEY_ID, actor: str = "system", **detail: Any) -> Event:
    """An event of the watch, or with another actor of somebody."""
    origin = WEB if actor.startswith("usr_") else Origin("cli" if actor.startswith("cli:") else "system")
    return Event("evt_01KAXW3M8R5T7V9XBZDFHJKMNP", AT_MS, event_name, actor, subject, origin, detail)


_UNUSED = [
    {"id": KEY_ID, "name": f"Old importer {n}", "hint": HINT, "last_used_at": AT_MS - n * DAY_MS if n % 3 else None}
    for n in range(30, 54)
]
_WIDER: dict[str, Any] = {"from": ["api:read"], "to": ["api:read", "keys:write"]}
_SOON = to_rfc3339(AT_MS + 7 * DAY_MS)

SAMPLES: dict[str, Event] = {
    "keys_imported": event(
        "keys_imported", None, "usr_1", imported=499, failed=1, schemes={"litellm": 99, "better-auth": 400}
    ),
    "key_expiring": event("key_expiring", days=7, expires_at=_SOON, **KEY),
    "key_secret_retiring": event(
        "key_secret_retiring",
        number=1,
        retires_at=_SOON,
        last_used_at=to_rfc3339(AT_MS - HOUR_MS),
        addresses=["203.0.113.9"],
        **KEY,
    ),
    "budget_threshold_reached": event(
        "budget_threshold_reached",
        budget="monthly",
        threshold=80,
        used_percent=81,
        used_usd="20.40",
        used_tokens=None,
        limit_usd="25.00",
        limit_tokens=None,
        **KEY,
    ),
    "key_expired_in_use": event(
        "key_expired_in_use",
        code="expired",
        count=31,
        addresses=["203.0.113.9"],
        since=to_rfc3339(AT_MS),
        expires_at=to_rfc3339(AT_MS),
    ),
    "dead_key_called": event(
        "dead_key_called",
        code="revoked",
        count=1412,
        addresses=["203.0.113.9", "2001:db8::7"],
        since=to_rfc3339(AT_MS - HOUR_MS),
    ),
    "key_leaked": event(
        "key_leaked", url="https://git.example.com/app/config.env", source="Nightly scan", action="disable", **KEY
    ),
    "key_new_address": event("key_new_address", address="198.51.100.23", first_seen=to_rfc3339(AT_MS), **KEY),
    "refused_burst": event("refused_burst", None, count=240, minutes=5, address="203.0.113.9", codes=["unknown"]),
    "keys_unused": event("keys_unused", None, days=30, keys=_UNUSED, count=31),
    "key_created": event("key_created", actor="usr_1", scopes=["api:read", "keys:read"], expires_at=_SOON, **KEY),
    "key_widened": event("key_scopes_changed", actor="cli:alice", widened=True, **_WIDER),
    "key_revoked": event("key_revoked", actor="usr_1", hint=HINT, reason="Committed to git"),
    "provider_key_rejected": event("provider_key_rejected", "openai", provider="OpenAI", status=401),
    "webhook_failing": event(
        "webhook_failing",
        "whk_01KAXW3M8R5T7V9XBZDFHJKMNP",
        name="Ticket system",
        url="https://tickets.example.com/…",
        error="The receiver returned status 500.",
        since=to_rfc3339(AT_MS - DAY_MS),
    ),
    "backup_failed": event(
        "backup_failed", None, failures=2, reason="Can't write /mnt/backup: No space left.", verified_at_ms=AT_MS
    ),
    "new_device": event("signed_in", "usr_1", "usr_1", new_device=True),
    "two_factor_off": event("two_factor_disabled", "usr_1", "usr_1", sessions_ended=2),
    "password_reset": event("password_reset_requested", "usr_1", "usr_1"),
    "email_changed": event("email_changed", "usr_1", "usr_1", email="new@example.org", old_email=OWNER),
    "email_change": event("email_change_requested", "usr_1", "usr_1", email="new@example.org"),
}


def compose_sample(kind: str, about: Event | None = None, config: MailConfig = OFFICE) -> EmailContent:
    """What this kind says of its sample, or of another event."""
    desk = NoticeContext(Feed(), config.zone, LINKS.get(kind))
    return KINDS[kind].write(about or SAMPLES[kind], desk)


def letter(kind: str, about: Event | None = None, config: MailConfig = OFFICE) -> Email:
    """The email of it."""
    return compose(compose_sample(kind, about, config), config, OWNER, render_html)
