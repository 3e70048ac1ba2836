"""Facts that several kinds of notices show: the key, the caller, the time."""

from ari.base.clock import from_rfc3339
from ari.base.events import Event
from ari.notifications import text
from ari.notifications.context import NoticeContext

Fact = tuple[str, str]
"""A label and its value."""


def key_name(event: Event, context: NoticeContext) -> str:
    """Name of the key that the event is about, quoted."""
    found = context.find_key(event.subject)
    name = event.detail.get("name") or (found.name if found else None)
    return text.quote(str(name or event.subject or "unknown"))


def key_fact(event: Event, context: NoticeContext) -> Fact:
    """Name and hint of the key."""
    found = context.find_key(event.subject)
    hint = event.detail.get("hint") or (found.hint if found else None)
    name = key_name(event, context)
    return ("API key", f"{name} · {text.defang(str(hint))}" if hint else name)


def common_facts(event: Event, context: NoticeContext) -> tuple[Fact, ...]:
    """When, by whom and, if known, from where."""
    facts = [("When", context.format_time(event.at_ms)), ("By", context.name_actor(event))]
    origin = context.describe_origin(event)
    return (*facts, ("From", origin)) if origin else tuple(facts)


def request_facts(event: Event, context: NoticeContext) -> tuple[Fact, ...]:
    """How many requests were refused, since when and from where, as far as the event says."""
    detail, facts = event.detail, list[Fact]()
    if "count" in detail:
        facts.append(("Requests", text.count(int(detail["count"]), "refused request")))
    if "since" in detail:
        facts.append(("Since", format_time(detail["since"], context)))
    if detail.get("addresses"):
        facts.append(("From", text.join_addresses(detail["addresses"])))
    return tuple(facts)


def format_time(value: object, context: NoticeContext, never: str = "never") -> str:
    """A time in an event's detail (RFC 3339 or milliseconds), as text; ``never`` if it's neither."""
    if isinstance(value, int):
        return context.format_time(value)
    try:
        return context.format_time(from_rfc3339(str(value)))
    except ValueError:
        return never


def parse_time(value: object) -> int | None:
    """A time in an event's detail (RFC 3339 or milliseconds) in milliseconds; ``None`` if it's neither."""
    if isinstance(value, int):
        return value
    try:
        return from_rfc3339(str(value))
    except ValueError:
        return None


def key_path(event: Event) -> str:
    """The path of the key's page, or of the table of keys."""
    return f"/settings/keys/{event.subject}" if event.subject else "/settings?tab=api"
