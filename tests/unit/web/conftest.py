"""The pages in this process: a visitor's browser, and the owner's, on an instance of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.instance import Instance
from tests.support.instances import opened
from tests.support.page_client import PageClient, add_owner, page_client


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    """A migrated instance on SQLite without an owner."""
    with opened(data_dir, None) as found:
        yield found


@pytest.fixture
def first_visitor(instance: Instance) -> Iterator[PageClient]:
    """A browser without a session, on an instance without an owner."""
    with page_client(instance) as found:
        yield found


@pytest.fixture
def visitor(first_visitor: PageClient) -> PageClient:
    """A browser without a session, on an instance that has an owner."""
    add_owner(first_visitor.instance)
    return first_visitor


@pytest.fixture
def browser(visitor: PageClient) -> PageClient:
    """The owner's browser, signed in."""
    return visitor.sign_in()
