"""Events in words: a title and a sentence for every event that ARI can write."""

from typing import Any

import pytest

from ari.base.events import EVENT_NAMES, Event, Origin
from ari.web.event_words import describe_event, get_title, group_names, is_warning
from ari.web.render import environment
from tests.support.instances import START_MS
from tests.support.page_client import plain_text


def event(name: str, /, **detail: Any) -> Event:
    return Event("evt_1", START_MS, name, "usr_1", "orders:read", Origin("web"), detail)


def sentence(found: Event) -> str:
    """The markup that every page shows for the event."""
    template = '{% from "layout/events.html" import sentence %}{{ sentence(event) }}'
    return environment().from_string(template).render(event=found)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (event("signed_in"), "Signed in"),
        (event("signed_in", second_step="app"), "Signed in with a code"),
        (event("signed_in", second_step="backup"), "Signed in with a backup code"),
        (event("sign_in_refused", counted=12), "Sign-in failed: incorrect password, 12 more times"),
        (event("session_ended", user_agent="curl/8.5.0"), "Session signed out: curl/8.5.0"),
        (event("sessions_ended"), "Signed out everywhere"),
        (event("sessions_ended", kept_own=True), "Other sessions signed out"),
        (event("key_created", name="CI"), "Key CI created"),
        (event("key_deleted", name="CI"), "Key CI deleted"),
        (event("key_renamed", **{"from": "a", "to": "b"}), "Key renamed from a to b"),
        (event("key_scopes_changed", to=["api:read", "keys:read"]), "Key access changed to api:read keys:read"),
        (event("key_revoked", reason="Leaked"), "Key revoked: Leaked"),
        (event("key_revoked"), "Key revoked"),
        (event("key_leaked", source="github", counted=2), "Key reported as leaked: github, 2 more times"),
        (event("key_leaked", source="github", url="https://x"), "Key reported as leaked: https://x"),
        (event("scope_declared", description="Read orders."), "Scope orders:read declared: Read orders."),
        (
            event("scope_changed", **{"from": "a", "to": "Read."}),
            "Description of scope orders:read changed to Read.",
        ),
        (event("scope_removed", keys=3), "Scope orders:read removed, also from 3 keys"),
        (
            event("preset_saved", **{"from": None, "to": {"label": "Orders", "scopes": ["a:b", "c:d"]}}),
            "Preset orders:read created: label Orders; scopes a:b c:d",
        ),
        (
            event("preset_saved", **{"from": {"label": "A", "scopes": ["a:b"]}, "to": {"label": "A", "scopes": []}}),
            "Preset orders:read changed: scopes from a:b to none",
        ),
        (event("preset_removed", **{"from": {}, "to": {"label": "A"}}), "Preset orders:read reset"),
        (event("default_preset_changed", **{"from": "a", "to": "b"}), "Default preset changed from a to b"),
        (event("kind_added", prefix="acme_live_"), "Kind orders:read added with prefix acme_live_"),
        (
            event(
                "kind_changed",
                **{
                    "from": {"expires": "30d", "max_lifetime_days": None},
                    "to": {"expires": "7d", "max_lifetime_days": 9},
                },
            ),
            "Kind orders:read changed: expires from 30d to 7d; max lifetime days from none to 9",
        ),
        (event("consumer_deleted", name="Acme"), "Consumer Acme deleted"),
        (
            event("consumer_changed", name={"from": "A", "to": "B"}, metadata="changed"),
            "Consumer changed: name from A to B; metadata",
        ),
        (
            event("instance_policy_changed", **{"from": {"max_lifetime_days": None}, "to": {"max_lifetime_days": 90}}),
            "Rules for all keys changed: max lifetime days from none to 90",
        ),
        (event("notification_switched", on=True), "Notification turned on"),
        (event("notification_switched", on=False), "Notification turned off"),
    ],
)
def test_an_event_is_a_sentence(found: Event, words: str) -> None:
    """A flood is one line with its number; the detail says who, from what and why."""
    assert plain_text(sentence(found)).replace(" ,", ",").replace(" ;", ";") == words


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_event_has_a_title_and_a_sentence(name: str) -> None:
    """No page shows a name of the code; a detail that lacks a fact doesn't break the page."""
    for found in (event(name), event(name, to=None, name=None, reason=None, on=None)):
        for words in (get_title(name), describe_event(found), plain_text(sentence(found))):
            assert words[0].isupper()
            assert "_" not in words
    assert EVENT_NAMES[name].endswith(".")


def test_every_event_can_be_chosen_once() -> None:
    """The list of the filter is complete, also for events that are added later."""
    groups = group_names()
    assert sorted(name for names in groups.values() for name in names) == sorted(EVENT_NAMES)
    assert "key_created" in groups["Keys"]
    assert "signed_in" in groups["Account"]
    assert "provider_key_added" in groups["Integrations"]
    assert "backup_written" in groups["Instance"]


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_text_of_callers_is_never_markup(name: str) -> None:
    """security.md 30: whatever the detail holds."""
    evil = "<script>"
    names = ("name", "from", "to", "reason", "url", "source", "user_agent", "counted", "second_step", "on")
    assert evil not in sentence(event(name, **dict.fromkeys(names, evil)))
    facts = ("name", "from", "to", "description", "prefix", "metadata", "external_id")
    assert evil not in sentence(event(name, **{fact: {evil: evil, "from": evil, "to": [evil]} for fact in facts}))


def test_refusals_and_dangers_are_marked() -> None:
    """They are highlighted in lists; the owner's own actions aren't."""
    marked = ("sign_in_refused", "code_refused", "confirmation_refused", "key_revoked", "key_exposed", "key_leaked")
    assert all(is_warning(event(name)) for name in marked)
    assert not any(is_warning(event(name)) for name in ("signed_in", "password_changed", "key_created"))
