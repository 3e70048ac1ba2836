"""Names of callers and origins, as the owner reads them."""

from ari.base.events import Event, Origin
from ari.notifications.context import NoticeContext
from tests.support.notices import KEY_ID, Feed, event


def test_who_did_it_is_in_words() -> None:
    """The owner, the command line's user, a key by its name, or ARI."""
    feed = Feed()
    desk = NoticeContext(feed, "UTC")
    actors = {
        actor: desk.name_actor(event("key_revoked", actor=actor)) for actor in ("usr_1", "cli:al", KEY_ID, "key_x", "x")
    }
    assert list(actors.values()) == [
        "The owner, signed in",
        "“al” on the command line",
        "The API key “Automation Script”",
        "An API key",
        "ARI",
    ]


def test_an_origin_has_an_address_and_a_browser() -> None:
    """A stranger's user agent is defanged."""
    context = NoticeContext(Feed(), "UTC")
    named = Event("evt_1", 0, "signed_in", "usr_1", None, Origin("web", "192.0.2.1", "evil.example/1.0"))
    assert "evil.example" not in str(context.describe_origin(named))
    assert str(context.describe_origin(named)).startswith("192.0.2.1, ")
    assert context.describe_origin(Event("evt_1", 0, "signed_in", "usr_1", None, Origin("cli"))) is None
