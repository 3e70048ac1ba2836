"""Which key let which key do more, and who named each provider's base URL."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Nobody, where the audit trail has no event: such an address counts as one that a key named.
_BASE_URL_BY = """
UPDATE integrations SET base_url_by = (
    SELECT e.actor FROM events e
    WHERE e.name = 'integration_base_url_changed' AND e.subject = integrations.provider
    ORDER BY e.seq DESC LIMIT 1
) WHERE base_url IS NOT NULL
"""
_BY_KEYS = """
SELECT name, actor, subject, detail FROM events
WHERE name IN ('key_scopes_changed', 'key_expiry_changed', 'key_enabled') AND actor LIKE 'key#_%' ESCAPE '#'
"""


def upgrade() -> None:
    """Add the table and the column, and fill both from the audit trail."""
    table = op.create_table(
        "key_grants",
        sa.Column("grantor_id", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("grantor_id", "key_id", name=op.f("pk_key_grants")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_key_grants_key_id"), "key_grants", ["key_id"])
    op.add_column("integrations", sa.Column("base_url_by", sa.Text(), nullable=True))
    op.execute(_BASE_URL_BY)
    found = op.get_bind().execute(sa.text(_BY_KEYS)).all()
    grants = {(actor, subject) for name, actor, subject, detail in found if _gave_more(name, json.loads(detail))}
    op.bulk_insert(table, [{"grantor_id": actor, "key_id": subject} for actor, subject in sorted(grants)])


def _gave_more(name: str, detail: dict[str, str | bool | None]) -> bool:
    """Whether the change let the key do more. Times are RFC 3339 of one form, so their order is that of the text."""
    if name == "key_scopes_changed":
        return bool(detail.get("widened"))
    if name == "key_expiry_changed":
        before, after = detail["from"], detail["to"]
        return before is not None and (after is None or str(after) > str(before))
    return True
