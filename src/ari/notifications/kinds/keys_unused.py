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
    were = "was" if number == 1 else "were"
    return Words(
        subject=f"{words.count(number, 'API key')} {were} not used for {days}",
        happened=f"{words.count(number, 'API key')} that could be used {were} not used for at least {days}. "
        "A key that nobody needs can only be found by the wrong person.",
        facts=(*facts, ("And", f"{more:,} more")) if more > 0 else facts,
        advice="Revoke those that nothing needs any more; it cannot be undone, so disable what you are not sure of.",
        place="/settings?tab=api",
        button="See your keys",
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
    says="Once a month, the keys that were not used for 30 or 90 days; one mail for all.",
    words=_words,
)
