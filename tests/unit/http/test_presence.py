"""The workers know of each other."""

from ari.http.presence import Presence


def test_all_workers_must_serve() -> None:
    """``/api/health`` is green only then, also for a worker that was replaced."""
    presence = Presence(2)
    presence.enter()
    assert not presence.all_here()
    presence.number = 1
    presence.enter()
    assert presence.all_here()
    presence.leave(0)
    assert not presence.all_here()
    assert not presence.serves(0)
    assert presence.count() == 1
    assert presence.serves(1)
