"""Look at a database that is not trusted, and accept it as it is."""

from dataclasses import replace

import pytest

from ari.base.audit import Head, Mark
from ari.base.caller import SYSTEM
from ari.base.signing import present_keys
from ari.instance import Instance
from ari.storage.accept_database import Standing, accept, look
from ari.storage.failover.record import Record, SeenEvent
from tests.support.audit_log import create

OLD, NEW = SeenEvent(1, "evt_1", "1"), SeenEvent(2, "evt_2", "2")


def _make_standing(
    histories: tuple[str, ...], record: Record | None, *lost: SeenEvent, timeline: int | None = None
) -> Standing:
    return Standing(histories, NEW, record, lost, timeline, None)


@pytest.mark.parametrize(
    ("standing", "is_trusted"),
    [
        (_make_standing(("his_1",), None), True),
        (_make_standing(("his_1",), Record("his_1", NEW)), True),
        (_make_standing(("his_1",), Record("his_1", NEW), NEW), False),
        (_make_standing(("his_1",), Record("his_1", NEW), OLD), True),
        (_make_standing(("his_2",), Record("his_1", NEW)), False),
        (_make_standing(("his_1", "his_2"), Record("his_1", NEW), NEW), True),
        (_make_standing(("his_1",), Record("his_1", NEW, timeline=2), timeline=1), False),
        (_make_standing(("his_1",), Record("his_1", NEW, timeline=2), timeline=None), True),
        (_make_standing((), Record("his_1", NEW)), False),
    ],
)
def test_what_nodes_go_on_with(standing: Standing, is_trusted: bool) -> None:
    """The same rules as for a running node: the newest event must be there, on no older timeline."""
    assert standing.is_trusted is is_trusted


def test_an_accepted_database_is_trusted_and_the_trail_says_what_was_lost(instance: Instance) -> None:
    """Its new history replaces the one that the node knew."""
    create(instance, "a")
    database = instance.database
    standing = look(database)
    assert standing.is_trusted
    assert standing.lost == ()
    assert standing.record is not None
    lost = SeenEvent(9, "evt_lost", "x")
    before = Standing(standing.histories, standing.head, Record("his_known", lost), (lost,), None, None)
    assert not before.is_trusted
    accept(database, before, SYSTEM, instance.now_ms())
    after = look(database)
    assert after.is_trusted
    assert after.histories[:-1] == ("his_known", *standing.histories)
    with database.reading() as unit:
        [event] = unit.events.page(None, None, 1)
    assert event.name == "database_accepted"
    assert event.detail["replaces"] == "his_known"
    assert event.detail["lost"] == ["evt_lost"]
    assert after.head is not None
    assert after.head.id == event.id


def test_other_nodes_follow_up_to_the_last_lost_event_that_this_one_knew(instance: Instance) -> None:
    """It committed the second of three that it saw; the third, which another node wrote, counts as lost too."""
    create(instance, "a")
    database = instance.database
    kept = database.witness.read()
    assert kept is not None
    head = Head.parse(kept.text)
    assert head is not None
    seen = replace(head, position=5, event_id="evt_2")
    database.witness.keep(Mark.of(present_keys(database.master_keys)[0], seen))
    lost = tuple(SeenEvent(number, f"evt_{number}", "x") for number in (1, 2, 3))
    standing = look(database)
    accept(database, replace(standing, record=Record("his_known", lost[-1]), lost=lost), SYSTEM, instance.now_ms())
    now = database.witness.head()
    assert now is not None
    assert now.replaced == {head.instance: 6}
    assert now.history == now.event_id
    assert not now.replaces(now)
