"""The signed head: it moves with each change, and is never signed over what somebody changed."""

from ari.base.audit import FIRST, Head
from ari.base.master_key import MasterKeys
from ari.instance import Instance
from ari.storage.audit_log.marks import AuditMarks
from tests.support.audit_log import create, unlocked

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def test_the_head_names_the_last_event(instance: Instance) -> None:
    """After every change, of the same instance."""
    heads = []
    for name in ("a", "b"):
        create(instance, name)
        with instance.database.reading() as unit:
            head, newest = unit.events.marks.get_trusted_head(), unit.events.newest()
        assert head is not None
        assert (head.event_id, head.hash) == newest
        heads.append(head)
    assert [head.position for head in heads] == [1, 2]
    assert heads[0].instance == heads[1].instance


def test_a_head_of_another_master_key_is_not_trusted(instance: Instance) -> None:
    """It is still there, and nothing is signed in its place."""
    create(instance, "a")
    with instance.database.main.begin() as connection:
        marks = AuditMarks(connection, MasterKeys(instance.settings.data_dir, KEY))
        before = marks.head()
        assert before is not None
        assert marks.get_trusted_head() is None
        assert not marks.is_signed_here()
        assert not marks.renew()
        assert marks.advance(("evt_x", FIRST), Head("", 1, "evt_y", FIRST, 1)) is None
        assert marks.head() == before


def test_a_rewritten_trail_is_not_signed_over(instance: Instance) -> None:
    """The next change keeps the old head, so that ``ari doctor`` still finds what was done."""
    create(instance, "a")
    create(instance, "b")
    with instance.database.reading() as unit:
        before = unit.events.marks.head()
    with unlocked(instance) as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 2")
    create(instance, "c")
    with instance.database.reading() as unit:
        assert unit.events.marks.head() == before


def test_a_trail_contains_what_it_holds(instance: Instance) -> None:
    """Not an event that it lost, and not another one of the same id."""
    create(instance, "a")
    with instance.database.reading() as unit:
        marks = unit.events.marks
        head = marks.get_trusted_head()
        assert head is not None
        assert marks.contains(head)
        assert marks.contains(Head("ins_2", 0, None, FIRST, 0))
        assert not marks.contains(Head(head.instance, 1, head.event_id, "1" * 64, 0))
        assert not marks.contains(Head(head.instance, 2, "evt_gone", FIRST, 0))
