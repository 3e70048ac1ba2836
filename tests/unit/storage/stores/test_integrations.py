"""Integrations in the keys database."""

from dataclasses import replace

from ari.instance import Instance
from ari.integrations.model import Integration
from ari.integrations.model import TestResult as Result


def test_one_row_for_each_provider(instance: Instance) -> None:
    """Saving again replaces the row, the result of its last test included."""
    first = Integration(
        "int_1", "openai", "https://a.example", "usr_1", "by_consumer", 2, Result("rejected", "HTTP 401")
    )
    second = replace(first, id="int_2", base_url=None, tested_at_ms=None, tested=None)
    with instance.database.writing() as unit:
        unit.integrations.save(first)
        unit.integrations.save(second)
    with instance.database.reading() as unit:
        assert unit.integrations.all() == [second]
        assert unit.integrations.get("groq") is None


def test_a_removed_one_leaves_the_others(instance: Instance) -> None:
    """Removing one that is not there is no error."""
    openai, groq = Integration("int_1", "openai"), Integration("int_2", "groq")
    with instance.database.writing() as unit:
        for one in (openai, groq):
            unit.integrations.save(one)
        for _ in range(2):
            unit.integrations.remove("openai")
        assert unit.integrations.all() == [groq]
