"""What accounts need from storage; everything happens inside one transaction."""

from typing import Protocol

from ari.accounts.model import Account, Session, SignedIn
from ari.base.events import EventStore


class SessionStore(Protocol):
    """Browser sessions."""

    def add_session(self, session: Session) -> None: ...

    def session(self, digest: bytes, now_ms: int) -> SignedIn | None:
        """The living session with this digest and its account."""

    def end_session(self, digest: bytes) -> bool:
        """End one session; ``False`` if there was none."""

    def end_sessions(self, account_id: str, except_digest: bytes | None = None) -> int:
        """End the account's sessions but one; how many ended."""


class SignInStore(Protocol):
    """What limits sign-in: the attempts of late, and the browsers that signed in before."""

    def attempts(self, bucket: str) -> tuple[int, ...]:
        """The instants kept for this bucket, oldest first; nobody else reads them until the transaction ends."""

    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None:
        """Replace the bucket's instants; none removes the bucket."""

    def forget_attempts(self, prefix: str) -> None:
        """Drop the buckets whose name starts like this."""

    def device_account(self, digest: bytes, now_ms: int) -> str | None:
        """The id of the account that this browser signed in to."""

    def keep_device(self, digest: bytes, account_id: str, expires_at_ms: int) -> None:
        """Remember a browser, or remember it for longer."""

    def forget_devices(self, account_id: str) -> None: ...

    def forget_expired(self, now_ms: int) -> None:
        """Drop the sessions, devices and attempts whose time is over."""


class AccountStore(SessionStore, SignInStore, Protocol):
    """Accounts, with what hangs on them."""

    def owner(self) -> Account | None:
        """The owner, if one was made."""

    def add_owner(self, account: Account) -> bool:
        """Make the owner; ``False`` if there is one already, however many try at once."""

    def by_email(self, email: str) -> Account | None:
        """The account with this address in its one spelling."""

    def locked(self, account_id: str) -> Account | None:
        """The account as committed now; nobody else changes it until the transaction ends."""

    def set_password_hash(self, account_id: str, password_hash: str) -> None: ...


class NoteStore(Protocol):
    """Small facts of the instance by name (the setup token's digest, whether it ever had an owner)."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str | None) -> None:
        """Set a note; ``None`` removes it."""


class AccountUnit(Protocol):
    """One transaction over accounts, notes and events."""

    @property
    def accounts(self) -> AccountStore: ...

    @property
    def notes(self) -> NoteStore: ...

    @property
    def events(self) -> EventStore: ...
