"""Advice that the owner dismissed."""

from ari.instance import Instance
from tests.support.instances import START_MS


def test_a_kind_is_replaced_as_a_whole(instance: Instance) -> None:
    """Dismissals of another kind stay, and a key that is not in the new ones is advised about again."""
    with instance.database.writing() as unit:
        unit.dismissals.replace("unused", {"key_1": "never", "key_2": "old"}, START_MS)
        unit.dismissals.replace("endless", {"key_1": "none"}, START_MS)
        unit.dismissals.replace("unused", {"key_2": "older"}, START_MS + 1)
    with instance.database.reading() as unit:
        assert unit.dismissals.all() == {("endless", "key_1"): "none", ("unused", "key_2"): "older"}
    with instance.database.writing() as unit:
        unit.dismissals.replace("unused", {}, START_MS + 2)
        assert unit.dismissals.all() == {("endless", "key_1"): "none"}
