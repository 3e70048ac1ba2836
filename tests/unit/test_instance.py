"""Opening an instance."""

from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.instance import Instance
from tests.support.instances import settings_for


def test_a_database_without_its_migrations_is_not_served(data_dir: Path) -> None:
    """Migrating is a decision: ``ari serve`` makes it, a command that only reads does not."""
    settings = settings_for(data_dir, None)
    with pytest.raises(ConfigurationError, match="ari migrate"):
        Instance.open(settings)
    Instance.open(settings, migrate=True).close()
    Instance.open(settings).close()
