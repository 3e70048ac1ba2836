"""A key's page, without its usage."""

import pytest

from ari import keys
from ari.base.errors import NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.web.pages.key.view import LATEST_EVENTS, read_facts
from tests.support.commands import as_caller, change_key, clock_of, create_key, delete_key, revoke_key


def test_keys_that_acted_are_named_and_keys_that_it_made_are_listed(instance: Instance) -> None:
    """The owner sees who made a key, and which active keys a revocation may take along."""
    maker = create_key(instance, "Maker", scopes=("*",)).key
    made = create_key(instance, "Made", as_caller(maker)).key
    dead = create_key(instance, "Dead", as_caller(maker)).key
    revoke_key(instance, dead)
    facts = Deps(instance).read_sync(read_facts, made.id)
    assert (facts.key.name, facts.names) == ("Made", {maker.id: "Maker"})
    assert [one.id for one in Deps(instance).read_sync(read_facts, maker.id).made] == [made.id]


def test_a_deleted_key_still_names_what_it_did(instance: Instance) -> None:
    """The audit log stays readable after the maker is gone; the maker's own page is not found."""
    maker = create_key(instance, "Maker", scopes=("*",)).key
    made = create_key(instance, "Made", as_caller(maker)).key
    revoke_key(instance, maker)
    delete_key(instance, maker)
    assert Deps(instance).read_sync(read_facts, made.id).names == {maker.id: "Maker"}
    with pytest.raises(NotFound):
        Deps(instance).read_sync(read_facts, maker.id)


def test_only_the_latest_events_are_listed(instance: Instance) -> None:
    """A key that was renamed a hundred times still has a short page, newest first."""
    key = create_key(instance, "Name 0").key
    for number in range(1, LATEST_EVENTS + 3):
        change_key(instance, key, name=f"Name {number}")
    events = Deps(instance).read_sync(read_facts, key.id).events
    assert len(events) == LATEST_EVENTS
    assert events[0].detail["to"] == f"Name {LATEST_EVENTS + 2}"


def test_a_leak_is_shown_until_the_key_is_revoked(instance: Instance) -> None:
    """The latest report; later changes don't hide it, and neither does the count of further reports."""
    made = create_key(instance, "Leaked")

    def find_leak() -> str | None:
        leak = Deps(instance).read_sync(read_facts, made.key.id).leak
        return None if leak is None else str(leak.detail.get("source"))

    assert find_leak() is None
    for source in ("one", "two", "three", "four"):
        Deps(instance).do_sync(keys.report_leak, keys.LeakReport(made.secret, source), "notify")
    assert find_leak() == "three"
    change_key(instance, made.key, name="Other")
    clock_of(instance).advance(2 * 86_400)
    Deps(instance).do_sync(lambda tx: tx.events.append_counts(tx.now_ms))
    assert Deps(instance).read_sync(read_facts, made.key.id).events[0].detail["counted"] == 1
    assert find_leak() == "three"
    revoke_key(instance, made.key)
    assert find_leak() is None
