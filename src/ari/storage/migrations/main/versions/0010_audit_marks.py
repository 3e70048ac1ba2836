"""The signed head of the audit trail and the cut of its retention, and triggers that allow nothing but that cut."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FINAL = "events are never changed or deleted"
_THROUGH = "coalesce((SELECT through_seq FROM audit_marks WHERE name = 'cut'), 0)"
_TAKEN = "SELECT 1 FROM events WHERE seq = NEW.seq OR id = NEW.id"
_FORWARD = "the cut of the audit trail only moves forward"


def upgrade() -> None:
    """Add the table and replace the trigger that forbids deletes."""
    op.create_table(
        "audit_marks",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("through_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_marks")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgresql()


def _on_sqlite() -> None:
    op.execute("DROP TRIGGER events_no_delete")
    op.execute(
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN OLD.seq > {_THROUGH} "
        f"BEGIN SELECT RAISE(ABORT, '{_FINAL}'); END"
    )
    # INSERT OR REPLACE deletes what is in its way without a DELETE trigger.
    op.execute(
        f"CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS ({_TAKEN}) "
        f"BEGIN SELECT RAISE(ABORT, '{_FINAL}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_marks_no_delete BEFORE DELETE ON audit_marks "
        f"BEGIN SELECT RAISE(ABORT, '{_FORWARD}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_marks_forward BEFORE UPDATE ON audit_marks "
        "WHEN NEW.name <> OLD.name OR NEW.through_seq < OLD.through_seq "
        f"BEGIN SELECT RAISE(ABORT, '{_FORWARD}'); END"
    )


def _on_postgresql() -> None:
    op.execute("DROP TRIGGER events_are_final ON events")
    op.execute(
        "CREATE TRIGGER events_are_final BEFORE UPDATE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION ari_events_are_final()"
    )
    op.execute(
        "CREATE FUNCTION ari_events_before_the_cut() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS "
        f"$$ BEGIN IF OLD.seq > {_THROUGH} THEN RAISE EXCEPTION '{_FINAL}'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION ari_events_before_the_cut()"
    )
    op.execute(
        "CREATE FUNCTION ari_cut_moves_forward() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF TG_OP = 'UPDATE' THEN IF NEW.name = OLD.name AND NEW.through_seq >= OLD.through_seq THEN "
        f"RETURN NEW; END IF; END IF; RAISE EXCEPTION '{_FORWARD}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_marks_forward BEFORE UPDATE OR DELETE ON audit_marks "
        "FOR EACH ROW EXECUTE FUNCTION ari_cut_moves_forward()"
    )
