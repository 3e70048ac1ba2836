"""The messages of each format, with hostile names of keys: they mention nobody and hold no link but ours."""

import json
import re
from typing import Any

import pytest

from ari.base.events import EVENT_NAMES, Event, Origin
from ari.webhooks.event_types import EVENT_TYPES, type_of
from ari.webhooks.formats import MessageFacts, list_format_headers, ntfy, write_body
from ari.webhooks.formats.standard import MAX_DETAIL
from ari.webhooks.model import FORMATS, Format

BASE = "https://ari.example.net"
HOSTILE = [
    "@everyone @here <@1234> <@&99>",
    "<!channel> <!here|x> <https://evil.example|click>",
    "[click](https://evil.example) **b** `c` ~~d~~ ||e||",
    "https://evil.example/a?b=c",
    "line\r\nnext\u2028third\u202eright",
    '"}],"text":"injected',
    "javascript:alert(1) <script>",
]


def _make(event_name: str = "key_revoked", /, base: str | None = BASE, **detail: Any) -> MessageFacts:
    event = Event(
        "evt_1", 1_800_000_000_000, event_name, "usr_1", "key_1", Origin("web", "203.0.113.7", "curl"), detail
    )
    return MessageFacts(event, type_of(event_name), "Subject", base)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_slack_messages_mention_nobody(hostile: str) -> None:
    """The text is plain text, which Slack doesn't interpret; the fallback has no angle brackets."""
    message = json.loads(write_body("slack", _make("key_created", name=hostile)))
    section, context = message["blocks"]
    assert section["text"]["type"] == "plain_text"
    assert "<" not in message["text"]
    assert context["elements"][0]["text"] == f"<{BASE}/settings/audit/evt_1|Open in ARI>"
    assert "://evil" not in json.dumps(message)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_discord_messages_mention_nobody(hostile: str) -> None:
    """Mentions are off, markdown is escaped, and the only link is ours."""
    message = json.loads(write_body("discord", _make("key_created", name=hostile)))
    assert message["allowed_mentions"] == {"parse": []}
    text, link = message["content"].rsplit("\n", 1)
    assert link == f"<{BASE}/settings/audit/evt_1>"
    assert re.search(r"(?<!\\)[\[\]()*`~|<@]", text) is None
    assert "\n" not in text
    assert "://evil" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_ntfy_messages_are_one_line_and_our_link(hostile: str) -> None:
    """Plain text, in which a name can't be a link either."""
    text, link = write_body("ntfy", _make("key_created", name=hostile)).split("\n")
    assert link == f"{BASE}/settings/audit/evt_1"
    assert "://evil" not in text
    assert "evil.example" not in text


def test_ntfy_messages_have_a_title_a_priority_and_tags() -> None:
    """As ntfy documents its headers; a tap opens the event."""
    facts = _make("key_leaked", name="Laptop")
    headers = dict(list_format_headers("ntfy", facts.type, write_body("ntfy", facts)))
    assert headers == {
        "content-type": "text/plain; charset=utf-8",
        "x-title": "ARI: key leaked",
        "x-priority": "urgent",
        "x-tags": "rotating_light,key.leaked",
        "x-click": f"{BASE}/settings/audit/evt_1",
    }
    ordinary = dict(list_format_headers("ntfy", "key.created", write_body("ntfy", _make("key_created", base=None))))
    assert (ordinary["x-priority"], ordinary["x-tags"]) == ("default", "key,key.created")
    assert "x-click" not in ordinary


@pytest.mark.parametrize("hostile", HOSTILE)
def test_headers_hold_nothing_of_callers(hostile: str) -> None:
    """A name can't add a header, a priority or an action; other formats have no such headers."""
    facts = _make("key_created", name=hostile)
    headers = list_format_headers("ntfy", facts.type, write_body("ntfy", facts))
    assert headers == list_format_headers("ntfy", facts.type, write_body("ntfy", _make("key_created", name="Laptop")))
    for name in ("standard", "slack", "discord"):
        assert list_format_headers(_format(name), facts.type, "{}") == [("content-type", "application/json")]


def test_ranked_types_exist() -> None:
    """A renamed event must not lose its priority unseen."""
    assert EVENT_TYPES.keys() >= ntfy.URGENT | ntfy.HIGH


def test_without_a_public_url_there_is_no_link() -> None:
    """An address that a Host header chose would be worse (security.md 3)."""
    for name in ("slack", "discord", "ntfy"):
        assert "http" not in write_body(_format(name), _make(base=None))


def _format(name: str) -> Format:
    return next(one for one in FORMATS if one == name)


def test_every_event_has_a_sentence_in_every_format() -> None:
    """Also with details that nobody expects."""
    for event_name in EVENT_NAMES:
        for name in FORMATS:
            for detail in ({}, {"name": None}, {"name": {"from": "a", "to": "b"}}, {"name": ["x"]}, {"name": 7}):
                assert len(write_body(name, _make(event_name, **detail))) > 20


def test_the_standard_payload_is_the_event_of_the_api() -> None:
    """Any text survives; a detail without bounds is left out, and the payload says so."""
    payload = json.loads(write_body("standard", _make("key_renamed", to=HOSTILE[4])))
    assert payload["data"]["detail"] == {"to": HOSTILE[4]}
    assert payload["data"]["is_complete"] is True
    assert (payload["type"], payload["data"]["client_address"]) == ("key.renamed", "203.0.113.7")
    large = json.loads(write_body("standard", _make("ai_prices_changed", to="x" * MAX_DETAIL)))
    assert (large["data"]["detail"], large["data"]["is_complete"]) == ({}, False)
