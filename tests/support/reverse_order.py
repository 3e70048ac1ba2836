"""A pytest plugin that runs each file from its last test to its first: ``pytest -p tests.support.reverse_order``.

A test that needs what an earlier one of its file left behind fails then.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order of the files, reverse their tests."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).insert(0, item)
    items[:] = [item for tests in files.values() for item in tests]
