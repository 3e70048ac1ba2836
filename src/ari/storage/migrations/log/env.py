"""Alembic's entry; see ``ari.storage.migrations.environment``."""

from ari.storage.migrations.environment import run

run()
