"""What Alembic runs for either chain; the connection and its transaction are the caller's."""

from alembic import context


def run() -> None:
    """Apply the chain's migrations on the connection that the caller opened and locked."""
    chain = context.config.attributes["chain"]
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=chain.metadata,
        version_table=chain.version_table,
        transactional_ddl=True,
    )
    context.run_migrations()
