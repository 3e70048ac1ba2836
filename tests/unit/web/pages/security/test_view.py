"""The account's events in words."""

from typing import Any

import pytest

from ari.base.events import Event, Origin
from ari.web.pages.security.view import describe_event, is_refusal
from tests.support.instances import START_MS


def event(name: str, **detail: Any) -> Event:
    """An event of the account."""
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
    ],
)
def test_an_event_is_a_sentence(found: Event, words: str) -> None:
    """A flood is one line with its number; how the second step was done and which browser ended are said."""
    assert describe_event(found) == words


def test_refusals_are_marked() -> None:
    """Attempts on the account are highlighted in the list; the owner's own actions don't."""
    refused = ("sign_in_refused", "code_refused", "confirmation_refused")
    assert all(is_refusal(event(name)) for name in refused)
    assert not any(is_refusal(event(name)) for name in ("signed_in", "password_changed"))
