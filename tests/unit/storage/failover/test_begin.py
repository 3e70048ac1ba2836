"""A new history of the database, which nodes that know an older one follow."""

from ari.instance import Instance
from ari.storage.failover import begin
from ari.storage.failover.begin import MAX_HISTORIES, begin_history, histories_in


def test_the_new_history_comes_last_and_each_once(instance: Instance) -> None:
    """After those of the database and those that it replaces."""
    with instance.database.main.begin() as connection:
        [first] = histories_in(connection)
        begin_history(connection, "his_2", ["his_0", first], ["his_0"])
        assert histories_in(connection) == ["his_0", first, "his_2"]
        begin_history(connection, "his_3")
        assert histories_in(connection) == ["his_0", first, "his_2", "his_3"]


def test_the_oldest_are_forgotten(instance: Instance) -> None:
    """So that the list does not grow for ever; the present one always stays."""
    replaced = [f"his_{number}" for number in range(2 * MAX_HISTORIES)]
    with instance.database.main.begin() as connection:
        [first] = histories_in(connection)
        begin_history(connection, "his_new", replaced)
        found = histories_in(connection)
    assert len(found) == MAX_HISTORIES
    assert found[-3:] == [replaced[-1], first, "his_new"]


def test_each_history_has_a_name_of_its_own() -> None:
    """Two restores in one millisecond are two histories."""
    names = {begin.new_history_id() for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("his_") for name in names)
