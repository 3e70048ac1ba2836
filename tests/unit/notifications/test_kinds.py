"""Every kind of notice has its email: whole, readable in both forms, small, and without anything foreign."""

import re
from pathlib import Path
from typing import get_args

from ari.base.events import EVENT_NAMES
from ari.notifications import digest, kinds
from ari.notifications.kinds import KINDS
from ari.notifications.model import STATES, NoticeState
from tests.support.notices import HINT, LINKS, SAMPLES, compose_sample, letter

MAX_BYTES = 30_000


def test_every_kind_has_a_file_a_sample_and_events_that_exist() -> None:
    """A new kind is rendered here as well; what it listens to is in the closed list of events."""
    files = {path.stem for path in Path(kinds.__file__).parent.glob("[a-z]*.py")}
    assert files == set(KINDS) == set(SAMPLES)
    for name, kind in KINDS.items():
        assert set(kind.events) <= set(EVENT_NAMES), name
        assert SAMPLES[name].name in kind.events, name
        assert kind.applies(SAMPLES[name]), name
        assert kind.title
        assert re.fullmatch(r"[A-Z0-9].*\.", kind.description), name


def test_every_link_leads_to_a_known_page() -> None:
    """One that the sign-in goes on to; links that are secrets have pages of their own."""
    from ari.web.urls import return_url

    places = {compose_sample(kind).path for kind in SAMPLES if kind not in LINKS} | {digest.write({}, []).path}
    assert {place: return_url(place) for place in places} == {place: place for place in places}


def test_the_hint_is_all_that_is_shown_of_a_key() -> None:
    """No email could hold more: no event does."""
    for kind in SAMPLES:
        mail = letter(kind)
        assert "ari_k_" not in (mail.text + mail.html).replace(HINT, "")


def test_every_state_has_its_words() -> None:
    """For the page and the docs."""
    assert set(STATES) == set(get_args(NoticeState))
