"""Advice and its dismissal on both databases, from keys and a usage log that are really stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.deps import Deps
from ari.instance import Instance
from ari.usage import advice
from ari.usage.advice import Recommendation
from tests.support.commands import change_key, revoke_key
from tests.support.instances import START_MS, opened
from tests.support.past import Past


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def past(instance: Instance) -> Past:
    return Past(instance.database, START_MS)


def look(instance: Instance) -> dict[str, Recommendation]:
    usage = instance.database.usage
    found = Deps(instance).read_sync(
        lambda unit: advice.recommendations(unit.listing, unit.dismissals, usage, START_MS)
    )
    return {one.kind: one for one in found}


def test_advice_is_drawn_from_keys_and_log(instance: Instance, past: Past) -> None:
    """Each of the five kinds from what was really written."""
    past.key("idle", 60, 400)
    roaming, old, dead = past.key("roaming", 20, 90), past.key("old", 400, 900), past.key("dead", 90, 60)
    past.key("endless", 2)
    past.requests(roaming, 1, 12, address="198.51.100.{n}")
    past.requests(roaming, 40, 1, address="192.0.2.200")
    past.requests(old, 3)
    past.requests(dead, 40)
    past.requests(dead, 2, 3, code="expired", address="203.0.113.1")
    past.requests(dead, 1, 2, code="expired", address="203.0.113.9", agent="cron/1")
    past.requests(dead, 9, 2, code="expired")
    found = look(instance)
    assert {kind: [one.name for one in finding.about] for kind, finding in found.items()} == {
        "late-calls": ["dead"],
        "unused": ["idle"],
        "addresses": ["roaming"],
        "old": ["old"],
        "endless": ["endless"],
    }
    late = found["late-calls"].about[0]
    assert late.late is not None
    assert (late.number, late.late.client_address, late.late.user_agent) == (5, "203.0.113.9", "cron/1")
    assert found["addresses"].about[0].number == 12


def test_a_dismissal_is_kept_until_the_facts_change(instance: Instance, past: Past) -> None:
    """It is stored for its keys; another key brings the finding back; a revoked one takes it away."""
    one = past.key("one", 60)
    finding = look(instance)["unused"]
    with instance.database.writing() as unit:
        advice.dismiss(unit.dismissals, finding, START_MS)
    assert "unused" not in look(instance)
    two = past.key("two", 50)
    assert [about.name for about in look(instance)["unused"].about] == ["two"]
    both = look(instance)["unused"]
    with instance.database.writing() as unit:
        advice.dismiss(unit.dismissals, both, START_MS)
        assert len(unit.dismissals.all()) == 2
    revoke_key(instance, one)
    change_key(instance, two, name="renamed")
    assert "unused" not in look(instance)
