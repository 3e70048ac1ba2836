"""What accounts need from storage; everything happens inside one transaction."""

from typing import Protocol

from ari.accounts.model import Account, HalfSignIn, MailLink, Session, SignedIn, TwoFactor
from ari.base.master_key import MasterKeys
from ari.base.seal import SealedStore
from ari.base.transaction import CommandTransaction, KeyValueStore


class SessionStore(Protocol):
    """Browser sessions."""

    def add_session(self, session: Session) -> None: ...

    def session(self, digest: bytes, now_ms: int) -> SignedIn | None:
        """The living session with this digest and its account."""

    def sessions_of(self, account_id: str, now_ms: int) -> list[Session]:
        """The account's living sessions, newest first."""

    def confirm_session(self, digest: bytes, now_ms: int) -> None:
        """Remember that the password was given in it just now."""

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


class MailLinkStore(Protocol):
    """Emailed links, one of each purpose per account."""

    def keep_link(self, link: MailLink) -> None:
        """Store it, in place of the one before."""

    def link(self, digest: bytes, now_ms: int) -> MailLink | None:
        """The link, while its time is not over."""

    def end_link(self, digest: bytes) -> bool:
        """Use a link up; ``False`` if there was none. Of several at once exactly one succeeds."""

    def drop_links(self, account_id: str) -> None:
        """Void the account's links."""


class AccountStore(SessionStore, SignInStore, MailLinkStore, Protocol):
    """Accounts, with what hangs on them."""

    def owner(self) -> Account | None:
        """The owner, if one was made."""

    def add_owner(self, account: Account) -> bool:
        """Make the owner; ``False`` if there is one already, however many try at once."""

    def by_email(self, email: str) -> Account | None:
        """The account with this address in its one spelling, or in that of the other form of its host."""

    def lock(self, account_id: str) -> Account | None:
        """The account as committed now; nobody else changes it until the transaction ends."""

    def set_password_hash(self, account_id: str, password_hash: str) -> None: ...

    def set_email(self, account_id: str, email: str) -> None:
        """Set the address, in its one spelling."""


class HalfSignInStore(Protocol):
    """Sign-ins that wait for a code."""

    def add_half(self, half: HalfSignIn) -> None: ...

    def half(self, digest: bytes, now_ms: int) -> HalfSignIn | None:
        """The half sign-in, while its time is not over."""

    def end_half(self, digest: bytes) -> None: ...

    def forget_halves(self, account_id: str) -> None:
        """End what the account's browsers have begun and not finished."""


class SecondStepStore(HalfSignInStore, Protocol):
    """Two-factor: which accounts need a code, and the backup codes. The secret is stored encrypted elsewhere."""

    def two_factor(self, account_id: str) -> TwoFactor | None: ...

    def set_two_factor(self, state: TwoFactor) -> None:
        """Store it, in place of the one before."""

    def drop_two_factor(self, account_id: str) -> None:
        """Remove it with the account's backup codes and half sign-ins."""

    def replace_backup_codes(self, account_id: str, digests: list[bytes], now_ms: int) -> None:
        """These codes, and none of those before."""

    def use_backup_code(self, account_id: str, digest: bytes, now_ms: int) -> bool:
        """Use a code up; ``False`` for one that is not the account's or was used."""

    def count_backup_codes(self, account_id: str) -> int: ...


class AccountTransaction(CommandTransaction, Protocol):
    """One transaction over accounts, two-factor, encrypted secrets, key-value entries and events."""

    @property
    def accounts(self) -> AccountStore: ...

    @property
    def second_step(self) -> SecondStepStore: ...

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...

    @property
    def key_value(self) -> KeyValueStore: ...
