"""Keys that nobody uses: one mail a month for all of them."""

from typing import Any

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words

_LISTED = 20


def _words(event: Event, look: Context) -> Words:
    keys: list[dict[str, Any]] = list(event.detail.get("keys", ()))
    number = int(event.detail.get("count", len(keys)))
    days = words.count(int(event.detail.get("days", 30)), "day")
    facts = tuple(_fact(key, look) for key in keys[:_LISTED])
    more = number - len(facts)
    have = "has" if number == 1 else "have"
    return Words(
        subject=f"{words.count(number, 'API key')} unused for {days}",
        happened=f"{words.count(number, 'active API key')} {have} not been used for at least {days}. Unused keys are a "
        "risk if they leak.",
        facts=(*facts, ("And", f"{more:,} more")) if more > 0 else facts,
        advice="Revoke keys you no longer need (this can't be undone), or disable them if you're unsure.",
        place="/settings?tab=api",
        button="View your keys",
    )


def _fact(key: dict[str, Any], look: Context) -> words.Fact:
    name = words.quoted(str(key.get("name") or key.get("id")))
    hint = f" · {words.broken(str(key['hint']))}" if key.get("hint") else ""
    used = key.get("last_used_at")
    return (f"{name}{hint}", "never used" if used is None else f"last used {words.told_time(used, look)}")


KIND = Kind(
    name="keys_unused",
    events=("keys_unused",),
    title="Unused API keys",
    says="Once a month, one email listing keys unused for 30 or 90 days.",
    words=_words,
)
