"""``ari migrate``."""
# Imports inside functions here: start-up speed.

from ari.cli import output
from ari.cli.instances import read_settings
from ari.cli.options import DataDir


def migrate(data_dir: DataDir = None) -> None:
    """Migrate the database to the current schema (ari serve does this automatically)."""
    settings = read_settings(data_dir)
    from ari.storage.engine import Database
    from ari.storage.migrate import migrate as apply

    database = Database.open(settings)
    try:
        applied = apply(database, output.tell)
    finally:
        database.close()
    output.say(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")
