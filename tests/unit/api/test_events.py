"""``/api/events``: the audit log."""

import pytest

from ari.base.caller import SYSTEM
from ari.base.transaction import record
from ari.deps import Deps
from tests.support.app import App, content_of


def test_events_of_the_account_need_the_widest_scope(app: App) -> None:
    """A key that reads keys must not learn when and from where the owner signs in."""
    Deps(app.instance, SYSTEM).do_sync(record, "signed_in", "usr_1")
    narrow, wide = app.key("keys:read"), app.key("*")
    seen = [{one["name"] for one in content_of(app("GET", "/api/events", key))["items"]} for key in (narrow, wide)]
    assert seen == [{"key_created"}, {"key_created", "signed_in"}]


def test_pages_join_without_a_gap(app: App) -> None:
    """Newest first; every event once."""
    key = app.key()
    for name in "abcd":
        app.key("api:read", name=name)
    seen: list[str] = []
    cursor = ""
    while True:
        page = content_of(app("GET", f"/api/events?limit=2{cursor}", key))
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    whole = [one["id"] for one in content_of(app("GET", "/api/events?limit=100", key))["items"]]
    assert seen == whole
    assert len(set(seen)) == 5


@pytest.mark.parametrize("query", ["cursor=hunter2", "limit=0", "limit=100000", "unknown=1"])
def test_a_bad_query_is_refused(app: App, query: str) -> None:
    """Ignoring it would return other events than those asked for."""
    assert app("GET", f"/api/events?{query}", app.key()).status == 422
