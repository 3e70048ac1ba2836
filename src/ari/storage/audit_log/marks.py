"""The signed head and cut of the audit log, and how the head moves on with each transaction that writes events."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, func, select

from ari.base.audit import FIRST, Cut, Head, Mark
from ari.base.ids import new_id
from ari.base.master_key import MasterKey, MasterKeys
from ari.base.signing import Signature, present_keys, public_of, sign
from ari.storage.audit_log.chain import follows
from ari.storage.dialect import insert
from ari.storage.tables import audit_marks, events, sealed_secrets

_t = audit_marks.c
_HEAD: Final = "head"
_CUT: Final = "cut"


class AuditMarks:
    """Both marks inside the transaction of ``connection``."""

    def __init__(self, connection: Connection, keys: MasterKeys) -> None:
        self._connection = connection
        self._keys = keys

    def head(self) -> Mark | None:
        """The signed head, as it is stored."""
        return self._read(_HEAD)

    def cut(self) -> Mark | None:
        """The signed cut, as it is stored; ``None`` while nothing was removed."""
        return self._read(_CUT)

    def get_trusted_head(self) -> Head | None:
        """The head, if a master key that is here signed it."""
        mark = self.head()
        return Head.parse(mark.text) if mark is not None and self._is_ours(mark) else None

    def get_trusted_cut(self) -> Cut | None:
        """The cut, if a master key that is here signed it."""
        mark = self.cut()
        return Cut.parse(mark.text) if mark is not None and self._is_ours(mark) else None

    def sign_head(self, head: Head, *, may_make_key: bool = False) -> Mark | None:
        """Sign and store the head. ``None`` if there is no master key.

        ``may_make_key``: make one although another signed the head, for a log of unknown origin.
        """
        key = self._find_signing_key(may_make_key=may_make_key)
        return None if key is None else self._put(_HEAD, Mark.of(key, head), 0)

    def sign_cut(self, cut: Cut, through_seq: int | None, *, may_make_key: bool = False) -> Mark | None:
        """Sign and store the cut, and allow deletes up to ``through_seq`` (``None``: as before).

        ``None`` if there is no master key here.
        """
        if through_seq is None:
            through_seq = self._connection.execute(select(_t.through_seq).where(_t.name == _CUT)).scalar() or 0
        key = self._find_signing_key(may_make_key=may_make_key)
        return None if key is None else self._put(_CUT, Mark.of(key, cut), through_seq)

    def renew(self) -> bool:
        """Sign cut and head with the first master key, if another present one signed them; whether any was signed.

        Call it before that other key is forgotten: after that, its signatures look like forged ones.
        """
        keys = present_keys(self._keys)
        renewed = False
        for name, mark in ((_HEAD, self.head()), (_CUT, self.cut())):
            if mark is not None and self._is_ours(mark) and mark.signature.public != public_of(keys[0]):
                signed = Mark(mark.text, sign(keys[0], mark.text.encode()))
                through_seq = self._connection.execute(select(_t.through_seq).where(_t.name == name)).scalar_one()
                self._put(name, signed, through_seq)
                renewed = True
        return renewed

    def advance(self, before: tuple[str, str] | None, head: Head, ended: Sequence[Head] | None = None) -> Mark | None:
        """Sign the head after a transaction that wrote events.

        ``before`` has the id and hash of the event before them; ``head`` names the last of them, and its position
        counts those events alone. A head that doesn't match the audit log stays as it is, so that a later check finds
        it: signing over it would hide what was done. With ``ended``, it begins a history that replaces these.
        """
        mark = self.head()
        if mark is None:
            if before is not None or self.cut() is not None:
                return None
            first = replace(head, instance=new_id("ins", head.at_ms))
            return self.sign_head(first if ended is None else first.begin_history(ended))
        known = Head.parse(mark.text) if self._is_ours(mark) else None
        if known is None:
            return None
        unsigned = self._list_unsigned_since(known, before)
        if unsigned is None:
            return None
        moved = replace(
            known,
            position=known.position + len(unsigned) + head.position,
            event_id=head.event_id,
            hash=head.hash,
            at_ms=head.at_ms,
            unsigned=known.unsigned + len(unsigned),
            unsigned_event_id=known.unsigned_event_id or (unsigned[0] if unsigned else None),
        )
        return self.sign_head(moved if ended is None else moved.begin_history(ended))

    def is_signed_here(self) -> bool:
        """Whether this process can sign the audit log: it has the master key of the head, or there is no head yet."""
        mark = self.head()
        return mark is None or self._is_ours(mark)

    def contains(self, head: Head) -> bool:
        """Whether the audit log holds, or held before its cut, the event that this head names."""
        if head.event_id is None:
            return True
        found = self._connection.execute(select(events.c.hash).where(events.c.id == head.event_id)).scalar()
        if found is None:
            cut = self.get_trusted_cut()
            return cut is not None and cut.instance == head.instance and cut.removed >= head.position
        return bool(found == head.hash)

    def _list_unsigned_since(self, known: Head, last: tuple[str, str] | None) -> list[str] | None:
        """The ids of the events after the signed head up to ``last``; ``None`` if they do not follow from it."""
        if last is None:
            return [] if known.event_id is None else None
        last_id, last_hash = last
        if last_id == known.event_id:
            return [] if last_hash == known.hash else None
        seq, previous = 0, FIRST
        if known.event_id is not None:
            at = select(events.c.seq, events.c.hash).where(events.c.id == known.event_id)
            found = self._connection.execute(at).first()
            if found is None or found.hash != known.hash:
                return None
            seq, previous = found
        last_seq = select(events.c.seq).where(events.c.id == last_id).scalar_subquery()
        query = select(events).where(events.c.seq > seq, events.c.seq <= last_seq).order_by(events.c.seq)
        ids = []
        for row in self._connection.execute(query).mappings():
            if not follows(previous, dict(row)):
                return None
            previous = row["hash"]
            ids.append(row["id"])
        return ids

    def _find_signing_key(self, *, may_make_key: bool) -> MasterKey | None:
        """The first master key. The first signature of an instance makes it, unless a secret is encrypted with another.

        If there is a head already, its key was made: a new one would only hide that it is missing.
        """
        keys = present_keys(self._keys)
        if keys:
            return keys[0]
        may_make = self._keys.is_own and (may_make_key or self.head() is None)
        if may_make and not self._connection.execute(select(func.count()).select_from(sealed_secrets)).scalar():
            return self._keys.make()
        return None

    def _is_ours(self, mark: Mark) -> bool:
        return mark.trust(present_keys(self._keys)) == "ours"

    def _read(self, name: str) -> Mark | None:
        row = self._connection.execute(select(_t.statement, _t.public_key, _t.signature).where(_t.name == name)).first()
        return None if row is None else Mark(row.statement, Signature(bytes(row.public_key), bytes(row.signature)))

    def _put(self, name: str, mark: Mark, through_seq: int) -> Mark:
        kept = {
            "statement": mark.text,
            "public_key": mark.signature.public,
            "signature": mark.signature.value,
            "through_seq": through_seq,
        }
        row = insert(self._connection, audit_marks).values(name=name, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=kept))
        return mark
