"""Unused API keys: one email per month for all of them."""

from typing import Any

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent

MAX_LISTED = 20


def _write(event: Event, context: NoticeContext) -> EmailContent:
    keys: list[dict[str, Any]] = list(event.detail.get("keys", ()))
    number = int(event.detail.get("count", len(keys)))
    days = text.count(int(event.detail.get("days", 30)), "day")
    rows = tuple(_fact(key, context) for key in keys[:MAX_LISTED])
    more = number - len(rows)
    have = "has" if number == 1 else "have"
    return EmailContent(
        subject=f"{text.count(number, 'API key')} unused for {days}",
        summary=f"{text.count(number, 'active API key')} {have} not been used for at least {days}. Unused keys are a "
        "risk if they leak.",
        facts=(*rows, ("And", f"{more:,} more")) if more > 0 else rows,
        advice="Revoke keys you no longer need (this can't be undone), or disable them if you're unsure.",
        path="/settings?tab=api",
        button="View your keys",
    )


def _fact(key: dict[str, Any], context: NoticeContext) -> facts.Fact:
    name = text.quote(str(key.get("name") or key.get("id")))
    hint = f" · {text.defang(str(key['hint']))}" if key.get("hint") else ""
    used = key.get("last_used_at")
    return (f"{name}{hint}", "never used" if used is None else f"last used {facts.format_time(used, context)}")


KIND = NoticeKind(
    name="keys_unused",
    events=("keys_unused",),
    title="Unused API keys",
    description="Once a month, one email listing keys unused for 30 or 90 days.",
    write=_write,
)
