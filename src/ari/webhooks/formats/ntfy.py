"""A message for an ntfy topic: plain text, which ntfy shows as it is, with headers for the rest.

Only ARI's own words are in headers, and names of keys in the body alone. ``x-priority`` isn't ``priority``, which
proxies take for that of RFC 9218. Source: https://docs.ntfy.sh/publish.
"""

from ari.webhooks.formats.message import MessageFacts, write_sentence

CONTENT_TYPE = "text/plain; charset=utf-8"
URGENT = frozenset({"key.leaked", "instance.unauthorized_route"})
HIGH = frozenset(
    {
        "account.two_factor_disabled",
        "account.email_changed",
        "account.password_changed",
        "backup.failed",
        "budget.threshold_reached",
        "integration.unreachable",
        "instance.database_accepted",
        "instance.refused_burst",
        "key.dead_key_called",
        "key.expired_in_use",
        "key.exposed",
        "key.new_address",
        "provider_key.rejected",
        "webhook.failing",
    }
)


def write(facts: MessageFacts) -> str:
    text = write_sentence(facts)
    return text if facts.link is None else f"{text}\n{facts.link}"


def list_headers(event_type: str, body: str) -> list[tuple[str, str]]:
    """Title, priority and tags of a message, and the link of its last line, which a tap opens.

    The last tag is the type of the event, so that subscribers can filter by it.
    """
    priority, emoji = _rank(event_type)
    headers = [
        ("x-title", f"ARI: {event_type.replace('.', ' ').replace('_', ' ')}"),
        ("x-priority", priority),
        ("x-tags", f"{emoji},{event_type}"),
    ]
    _, _, link = body.partition("\n")
    return [*headers, ("x-click", link)] if link else headers


def _rank(event_type: str) -> tuple[str, str]:
    """The priority, and the short code of an emoji."""
    if event_type in URGENT:
        return "urgent", "rotating_light"
    if event_type in HIGH:
        return "high", "warning"
    return "default", "key" if event_type.startswith("key.") else "information_source"
