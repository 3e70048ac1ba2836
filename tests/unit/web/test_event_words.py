"""Events in words: a plain sentence for every event that ARI can write, and nothing of a caller's as markup."""

from typing import Any

import pytest
from markupsafe import Markup

from ari.base.events import EVENT_NAMES, Event, Origin
from ari.web.event_words import describe_event, get_title, group_names, is_warning
from tests.support.instances import START_MS


def event(name: str, /, **detail: Any) -> Event:
    return Event("evt_1", START_MS, name, "usr_1", "usr_1", Origin("web"), detail)


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
        (event("key_created", name="CI"), "Key “CI” created"),
        (event("key_deleted", name="CI"), "Key “CI” deleted"),
        (event("key_renamed", **{"from": "a", "to": "b"}), "Key renamed from “a” to “b”"),
        (event("key_scopes_changed", to=["api:read", "keys:read"]), "Key access changed to api:read keys:read"),
        (event("key_revoked", reason="Leaked"), "Key revoked: “Leaked”"),
        (event("key_revoked"), "Key revoked"),
        (event("key_leaked", source="github", counted=2), "Key reported as leaked: “github”, 2 more times"),
        (event("key_leaked", source="github", url="https://x"), "Key reported as leaked: “https://x”"),
        (event("notification_switched", on=True), "Notification turned on"),
        (event("notification_switched", on=False), "Notification turned off"),
    ],
)
def test_an_event_is_a_sentence(found: Event, words: str) -> None:
    """A flood is one line with its number; the detail says who, from what and why."""
    shown = describe_event(found).replace("<q>", "“").replace("</q>", "”")
    assert Markup(shown).striptags() == words


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_event_has_a_title_and_a_sentence(name: str) -> None:
    """No page shows a name of the code; a detail that lacks a fact doesn't break the page."""
    for sentence in (get_title(name), describe_event(event(name)), describe_event(event(name, to="x", name=None))):
        assert sentence[0].isupper()
        assert "_" not in sentence
    assert EVENT_NAMES[name].endswith(".")


def test_every_event_can_be_chosen_once() -> None:
    """The list of the filter is complete, also for events that are added later."""
    groups = group_names()
    assert sorted(name for names in groups.values() for name in names) == sorted(EVENT_NAMES)
    assert "key_created" in groups["Keys"]
    assert "signed_in" in groups["Account"]
    assert "provider_key_added" in groups["Integrations"]
    assert "backup_written" in groups["Instance"]


@pytest.mark.parametrize(
    "found",
    [
        event("key_created", name="<script>"),
        event("key_renamed", **{"from": "<script>", "to": "<script>"}),
        event("key_scopes_changed", to=["<script>"]),
        event("key_revoked", reason="<script>"),
        event("key_leaked", url="<script>"),
        event("session_ended", user_agent="<script>"),
        event("sign_in_refused", counted="<script>"),
        event("signed_in", second_step="<script>"),
    ],
)
def test_text_of_callers_is_never_markup(found: Event) -> None:
    """security.md 30."""
    assert "<script>" not in describe_event(found)


def test_refusals_and_dangers_are_marked() -> None:
    """They are highlighted in lists; the owner's own actions don't."""
    marked = ("sign_in_refused", "code_refused", "confirmation_refused", "key_revoked", "key_exposed", "key_leaked")
    assert all(is_warning(event(name)) for name in marked)
    assert not any(is_warning(event(name)) for name in ("signed_in", "password_changed", "key_created"))
