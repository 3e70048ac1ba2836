"""What tests of webhooks begin with, on the shared instance of each database."""

import pytest
from sqlalchemy import text

from ari.instance import Instance
from tests.support.clock import FrozenClock
from tests.support.hooks import Hooks
from tests.support.instances import START_MS


@pytest.fixture
def hooks(shared_instance: Instance) -> Hooks:
    """No webhooks, and it is ``START_MS``."""
    shared_instance.clock = shared_instance.database.clock = FrozenClock(START_MS)
    with shared_instance.database.main.begin() as connection:
        for table in ("webhook_deliveries", "webhooks", "notes", "sealed_secrets", "api_keys"):
            connection.execute(text(f"DELETE FROM {table}"))
    return Hooks(shared_instance)
