"""A key's page, without its usage."""

import pytest

from ari.base.errors import NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.web.pages.key.view import LATEST_EVENTS, read_facts
from tests.support.commands import as_caller, change_key, create_key, delete_key, revoke_key


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
