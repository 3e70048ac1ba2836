"""Which nodes follow a log that lacks events they committed: those whose history a restore or an accept ended.

The signed head names the histories that ended, so a database that was only exchanged can't claim it.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, select

from ari.base.audit import Head, Mark
from ari.base.master_key import MasterKeys
from ari.base.signing import present_keys
from ari.storage.audit_log.marks import AuditMarks
from ari.storage.audit_log.witness import Witness
from ari.storage.tables import events


class SignedLog(Protocol):
    """The audit log inside one transaction, whose head is signed at its end."""

    @property
    def marks(self) -> AuditMarks: ...

    @property
    def is_changed(self) -> bool:
        """Whether this transaction wrote events."""

    @property
    def is_accepted(self) -> bool:
        """Whether this transaction signs the audit log as it is."""

    def begin_history(self, ended: Sequence[Head]) -> None:
        """Let the head say that a new history replaces those that ended with these heads."""

    def sign(self) -> Mark | None:
        """Sign the head; ``None`` if nothing was signed."""


def sign_following(audit_log: SignedLog, witness: Witness, keys: MasterKeys) -> Mark | None:
    """Sign the head before the commit; the one to keep as witness.

    ``None`` if the kept one shows that this database is not the one it was, and no history ended on purpose.
    """
    marks = audit_log.marks
    before = marks.head() if audit_log.is_changed else None
    if audit_log.is_accepted:
        audit_log.begin_history(find_lost(marks, witness, keys))
    signed = audit_log.sign()
    kept = None if signed is None else witness.read()
    if signed is None or kept is None or audit_log.is_accepted or (before is not None and before.text == kept.text):
        return signed
    seen, head = _parse_ours(kept, keys), Head.parse(signed.text)
    is_followed = seen is None or marks.contains(seen) or (head is not None and head.replaces(seen))
    return signed if is_followed else None


def find_lost(marks: AuditMarks, witness: Witness, keys: MasterKeys) -> list[Head]:
    """The head that this node committed, if the log doesn't have it."""
    seen = _parse_ours(witness.read(), keys)
    return [] if seen is None or marks.contains(seen) else [seen]


def find_ended(connection: Connection, witness: Witness, keys: MasterKeys) -> list[Head]:
    """The heads that end with a restore: this node's, and that of the log, unless something is wrong with the log.

    What other nodes committed in a log that was exchanged is still missed by them.
    """
    marks = AuditMarks(connection, keys)
    seen, head = _parse_ours(witness.read(), keys), marks.get_trusted_head()
    ended = [] if seen is None else [seen]
    last = connection.execute(select(events.c.id, events.c.hash).order_by(events.c.seq.desc()).limit(1)).first()
    if head is None or head.unsigned or last is None or (head.event_id, head.hash) != tuple(last):
        return ended
    if seen is None or marks.contains(seen) or head.replaces(seen):
        ended.append(head)
    return ended


def _parse_ours(mark: Mark | None, keys: MasterKeys) -> Head | None:
    """The head that was kept, if a master key that is here signed it: others prove nothing."""
    return Head.parse(mark.text) if mark is not None and mark.trust(present_keys(keys)) == "ours" else None
