"""Accounts, sessions, devices, attempts and key-value entries in the keys database."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, select, update

from ari.accounts.model import Account, MailLink, Session, SignedIn, spellings
from ari.storage.dialect import insert
from ari.storage.tables import accounts, devices, half_sign_ins, mail_links, notes, sessions, sign_in_attempts

_OWNER = "owner"
_ACCOUNT = (accounts.c.id, accounts.c.email, accounts.c.password_hash, accounts.c.created_at_ms)
_SESSION = tuple(sessions.c)


class AccountTables:
    """Implements ``accounts.ports.AccountStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def owner(self) -> Account | None:
        return self._account(accounts.c.role == _OWNER)

    def add_owner(self, account: Account) -> bool:
        row = insert(self._connection, accounts).values(**asdict(account), role=_OWNER)
        return self._connection.execute(row.on_conflict_do_nothing().returning(accounts.c.id)).first() is not None

    def by_email(self, email: str) -> Account | None:
        return self._account(accounts.c.email.in_(spellings(email)))

    def lock(self, account_id: str) -> Account | None:
        return self._account(accounts.c.id == account_id, lock=True)

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        change = update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash)
        self._connection.execute(change)

    def set_email(self, account_id: str, email: str) -> None:
        self._connection.execute(update(accounts).where(accounts.c.id == account_id).values(email=email))

    def keep_link(self, link: MailLink) -> None:
        same = mail_links.c.account_id == link.account_id, mail_links.c.purpose == link.purpose
        self._connection.execute(delete(mail_links).where(*same))
        self._connection.execute(mail_links.insert().values(**asdict(link)))

    def link(self, digest: bytes, now_ms: int) -> MailLink | None:
        living = mail_links.c.digest == digest, mail_links.c.expires_at_ms > now_ms
        row = self._connection.execute(select(mail_links).where(*living)).first()
        return None if row is None else MailLink(*row)

    def end_link(self, digest: bytes) -> bool:
        return self._connection.execute(delete(mail_links).where(mail_links.c.digest == digest)).rowcount == 1

    def drop_links(self, account_id: str) -> None:
        self._connection.execute(delete(mail_links).where(mail_links.c.account_id == account_id))

    def add_session(self, session: Session) -> None:
        self._connection.execute(sessions.insert().values(**asdict(session)))

    def session(self, digest: bytes, now_ms: int) -> SignedIn | None:
        query = (
            select(*_ACCOUNT, *_SESSION)
            .join_from(sessions, accounts)
            .where(sessions.c.digest == digest, sessions.c.expires_at_ms > now_ms)
        )
        row = self._connection.execute(query).first()
        return None if row is None else SignedIn(Account(*row[: len(_ACCOUNT)]), Session(*row[len(_ACCOUNT) :]))

    def sessions_of(self, account_id: str, now_ms: int) -> list[Session]:
        living = (sessions.c.account_id == account_id, sessions.c.expires_at_ms > now_ms)
        query = select(*_SESSION).where(*living).order_by(sessions.c.created_at_ms.desc(), sessions.c.digest)
        return [Session(*row) for row in self._connection.execute(query)]

    def confirm_session(self, digest: bytes, now_ms: int) -> None:
        change = update(sessions).where(sessions.c.digest == digest).values(confirmed_at_ms=now_ms)
        self._connection.execute(change)

    def end_session(self, digest: bytes) -> bool:
        return self._connection.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount == 1

    def end_sessions(self, account_id: str, except_digest: bytes | None = None) -> int:
        ending = delete(sessions).where(sessions.c.account_id == account_id)
        if except_digest is not None:
            ending = ending.where(sessions.c.digest != except_digest)
        return self._connection.execute(ending).rowcount

    def attempts(self, bucket: str) -> tuple[int, ...]:
        # an insert that changes nothing where the row exists: it locks the row, and reads it, in one statement
        blank = insert(self._connection, sign_in_attempts).values(bucket=bucket, instants_ms="", forget_at_ms=0)
        locking = blank.on_conflict_do_update(index_elements=["bucket"], set_={"bucket": blank.excluded.bucket})
        text = self._connection.execute(locking.returning(sign_in_attempts.c.instants_ms)).scalar_one()
        return tuple(int(instant) for instant in text.split())

    def attempts_now(self, bucket: str) -> tuple[int, ...]:
        """As ``attempts``, without the lock: for a transaction that only reads."""
        query = select(sign_in_attempts.c.instants_ms).where(sign_in_attempts.c.bucket == bucket)
        return tuple(int(instant) for instant in (self._connection.execute(query).scalar() or "").split())

    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None:
        if not instants_ms:
            self._connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.bucket == bucket))
            return
        kept = {"instants_ms": " ".join(map(str, instants_ms)), "forget_at_ms": forget_at_ms}
        row = insert(self._connection, sign_in_attempts).values(bucket=bucket, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["bucket"], set_=kept))

    def forget_attempts(self, prefix: str) -> None:
        bucket = sign_in_attempts.c.bucket
        self._delete_free(bucket, bucket.startswith(prefix, autoescape=True))

    def device_account(self, digest: bytes, now_ms: int) -> str | None:
        query = select(devices.c.account_id).where(devices.c.digest == digest, devices.c.expires_at_ms > now_ms)
        return self._connection.execute(query).scalar()

    def keep_device(self, digest: bytes, account_id: str, expires_at_ms: int) -> None:
        kept = {"account_id": account_id, "expires_at_ms": expires_at_ms}
        row = insert(self._connection, devices).values(digest=digest, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["digest"], set_=kept))

    def forget_devices(self, account_id: str) -> None:
        self._connection.execute(delete(devices).where(devices.c.account_id == account_id))

    def forget_expired(self, now_ms: int) -> None:
        self._delete_free(sessions.c.digest, sessions.c.expires_at_ms <= now_ms)
        self._delete_free(half_sign_ins.c.digest, half_sign_ins.c.expires_at_ms <= now_ms)
        self._delete_free(mail_links.c.digest, mail_links.c.expires_at_ms <= now_ms)
        self._delete_free(devices.c.digest, devices.c.expires_at_ms <= now_ms)
        self._delete_free(sign_in_attempts.c.bucket, sign_in_attempts.c.forget_at_ms <= now_ms)

    def _account(self, condition: ColumnElement[bool], lock: bool = False) -> Account | None:
        query = select(*_ACCOUNT).where(condition)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return None if row is None else Account(*row)

    def _delete_free(self, key: Column[Any], condition: ColumnElement[bool]) -> None:
        """Delete rows but those that another transaction holds: waiting for several could deadlock."""
        chosen = select(key).where(condition).with_for_update(skip_locked=True)
        self._connection.execute(delete(key.table).where(key.in_(chosen)))


class KeyValueTables:
    """Implements ``base.transaction.KeyValueStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> str | None:
        return self._connection.execute(select(notes.c.value).where(notes.c.name == name)).scalar()

    def put(self, name: str, value: str | None) -> None:
        if value is None:
            self._connection.execute(delete(notes).where(notes.c.name == name))
            return
        row = insert(self._connection, notes).values(name=name, value=value)
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def swap(self, name: str, before: str | None, after: str) -> bool:
        """Set a value that is still ``before`` (``None``: missing); of several at once exactly one succeeds."""
        if before is None:
            row = insert(self._connection, notes).values(name=name, value=after)
            # not rowcount, which is -1 for an insert on PostgreSQL
            added = self._connection.execute(row.on_conflict_do_nothing().returning(notes.c.name))
            return added.first() is not None
        change = update(notes).where(notes.c.name == name, notes.c.value == before).values(value=after)
        return self._connection.execute(change).rowcount == 1
