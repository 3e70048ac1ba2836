from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app import App, running_app


@pytest.fixture
def app(data_dir: Path) -> Iterator[App]:
    """The app in this process, on an empty instance."""
    with running_app(data_dir) as running:
        yield running
