"""The upstream that the tests of all proxies share."""

from collections.abc import Iterator

import pytest

from tests.support.upstream import Upstream, running_upstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The API that the proxies protect."""
    with running_upstream() as running:
        yield running
