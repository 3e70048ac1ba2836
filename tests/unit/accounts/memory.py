"""Accounts, key-value entries and events in memory; the contract suite keeps it honest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ari.accounts.model import Account, HalfSignIn, MailLink, Session, SignedIn, TwoFactor, spellings
from ari.base.caller import Caller
from ari.base.clock import Clock
from ari.base.events import Event, Origin
from ari.base.master_key import MasterKeys
from ari.base.seal import Sealed


@dataclass
class MemoryAccounts:
    """Fulfils ``AccountStore``."""

    accounts: dict[str, Account] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    devices: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    buckets: dict[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    links: dict[tuple[str, str], MailLink] = field(default_factory=dict)

    def owner(self) -> Account | None:
        return next(iter(self.accounts.values()), None)

    def add_owner(self, account: Account) -> bool:
        if self.accounts:
            return False
        self.accounts[account.id] = account
        return True

    def by_email(self, email: str) -> Account | None:
        return next((account for account in self.accounts.values() if account.email in spellings(email)), None)

    def lock(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        self.accounts[account_id] = replace(self.accounts[account_id], password_hash=password_hash)

    def set_email(self, account_id: str, email: str) -> None:
        self.accounts[account_id] = replace(self.accounts[account_id], email=email)

    def keep_link(self, link: MailLink) -> None:
        self.links[link.account_id, link.purpose] = link

    def link(self, digest: bytes, now_ms: int) -> MailLink | None:
        return next((one for one in self.links.values() if one.digest == digest and one.expires_at_ms > now_ms), None)

    def end_link(self, digest: bytes) -> bool:
        found = [place for place, one in self.links.items() if one.digest == digest]
        for place in found:
            del self.links[place]
        return bool(found)

    def drop_links(self, account_id: str) -> None:
        self.links = {place: one for place, one in self.links.items() if one.account_id != account_id}

    def add_session(self, session: Session) -> None:
        self.sessions[session.digest] = session

    def session(self, digest: bytes, now_ms: int) -> SignedIn | None:
        session = self.sessions.get(digest)
        if session is None or session.expires_at_ms <= now_ms:
            return None
        return SignedIn(self.accounts[session.account_id], session)

    def sessions_of(self, account_id: str, now_ms: int) -> list[Session]:
        living = [s for s in self.sessions.values() if s.account_id == account_id and s.expires_at_ms > now_ms]
        return sorted(living, key=lambda session: (-session.created_at_ms, session.digest))

    def confirm_session(self, digest: bytes, now_ms: int) -> None:
        self.sessions[digest] = replace(self.sessions[digest], confirmed_at_ms=now_ms)

    def end_session(self, digest: bytes) -> bool:
        return self.sessions.pop(digest, None) is not None

    def end_sessions(self, account_id: str, except_digest: bytes | None = None) -> int:
        ending = [d for d, session in self.sessions.items() if session.account_id == account_id and d != except_digest]
        for digest in ending:
            del self.sessions[digest]
        return len(ending)

    def attempts(self, bucket: str) -> tuple[int, ...]:
        return self.buckets.get(bucket, ((), 0))[0]

    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None:
        if instants_ms:
            self.buckets[bucket] = (instants_ms, forget_at_ms)
        else:
            self.buckets.pop(bucket, None)

    def forget_attempts(self, prefix: str) -> None:
        self.buckets = {bucket: kept for bucket, kept in self.buckets.items() if not bucket.startswith(prefix)}

    def device_account(self, digest: bytes, now_ms: int) -> str | None:
        account_id, expires_at_ms = self.devices.get(digest, (None, 0))
        return account_id if expires_at_ms > now_ms else None

    def keep_device(self, digest: bytes, account_id: str, expires_at_ms: int) -> None:
        self.devices[digest] = (account_id, expires_at_ms)

    def forget_devices(self, account_id: str) -> None:
        self.devices = {digest: kept for digest, kept in self.devices.items() if kept[0] != account_id}

    def forget_expired(self, now_ms: int) -> None:
        self.sessions = {d: session for d, session in self.sessions.items() if session.expires_at_ms > now_ms}
        self.devices = {digest: kept for digest, kept in self.devices.items() if kept[1] > now_ms}
        self.buckets = {bucket: kept for bucket, kept in self.buckets.items() if kept[1] > now_ms}


@dataclass
class MemorySecondStep:
    """Fulfils ``SecondStepStore``."""

    states: dict[str, TwoFactor] = field(default_factory=dict)
    codes: dict[bytes, tuple[str, int | None]] = field(default_factory=dict)
    halves: dict[bytes, HalfSignIn] = field(default_factory=dict)

    def two_factor(self, account_id: str) -> TwoFactor | None:
        return self.states.get(account_id)

    def set_two_factor(self, state: TwoFactor) -> None:
        self.states[state.account_id] = state

    def drop_two_factor(self, account_id: str) -> None:
        self.states.pop(account_id, None)
        self._drop_codes(account_id)
        self.forget_halves(account_id)

    def replace_backup_codes(self, account_id: str, digests: list[bytes], now_ms: int) -> None:
        self._drop_codes(account_id)
        self.codes |= dict.fromkeys(digests, (account_id, None))

    def use_backup_code(self, account_id: str, digest: bytes, now_ms: int) -> bool:
        if self.codes.get(digest) != (account_id, None):
            return False
        self.codes[digest] = (account_id, now_ms)
        return True

    def count_backup_codes(self, account_id: str) -> int:
        return sum(kept == (account_id, None) for kept in self.codes.values())

    def add_half(self, half: HalfSignIn) -> None:
        self.halves[half.digest] = half

    def half(self, digest: bytes, now_ms: int) -> HalfSignIn | None:
        found = self.halves.get(digest)
        return found if found and found.expires_at_ms > now_ms else None

    def end_half(self, digest: bytes) -> None:
        self.halves.pop(digest, None)

    def forget_halves(self, account_id: str) -> None:
        self.halves = {digest: half for digest, half in self.halves.items() if half.account_id != account_id}

    def _drop_codes(self, account_id: str) -> None:
        self.codes = {digest: kept for digest, kept in self.codes.items() if kept[0] != account_id}


@dataclass
class MemorySealed:
    """Fulfils ``SealedStore``."""

    kept: dict[tuple[str, str], Sealed] = field(default_factory=dict)

    def lock(self) -> None:
        pass

    def get(self, kind: str, subject: str) -> Sealed | None:
        return self.kept.get((kind, subject))

    def put(self, sealed: Sealed) -> None:
        self.kept[sealed.context.kind, sealed.context.subject] = sealed

    def drop(self, kind: str, subject: str) -> None:
        self.kept.pop((kind, subject), None)

    def has_signed_log(self) -> bool:
        return False

    def all(self) -> list[Sealed]:
        return [self.kept[place] for place in sorted(self.kept)]


@dataclass
class MemoryKeyValue:
    """Fulfils ``KeyValueStore``."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str | None) -> None:
        if value is None:
            self.values.pop(name, None)
        else:
            self.values[name] = value


@dataclass
class MemoryEvents:
    """Fulfils ``EventStore``, unchained."""

    all: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        self.all.append(event)

    def append_all(self, events: Sequence[Event]) -> None:
        self.all += events

    def append_bounded(self, event: Event, most: int = 3, within_ms: int = 0) -> None:
        self.append(event)

    def append_counts(self, now_ms: int) -> int:
        return 0

    def any_counts(self, now_ms: int) -> bool:
        return False

    def page(self, subject: str | None, before_id: str | None, limit: int) -> list[Event]:
        newest = [e for e in reversed(self.all) if subject in (None, e.subject)]
        return [event for event in newest if before_id is None or event.id < before_id][:limit]

    def newest(self) -> tuple[str, str] | None:
        return None

    def has(self, subject: str, name: str) -> bool:
        return any(event.subject == subject and event.name == name for event in self.all)

    def names(self) -> list[str]:
        """The names of the events, oldest first."""
        return [event.name for event in self.all]


VISITOR = Caller("visitor", Origin("web", "192.0.2.7", "a browser", "req_1"), scopes=())


@dataclass
class MemoryTransaction:
    """Fulfils ``AccountTransaction``; it never ends, and its time goes on."""

    clock: Clock
    caller: Caller = VISITOR
    master_keys: MasterKeys = field(default_factory=lambda: MasterKeys(Path("/nowhere")))
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    second_step: MemorySecondStep = field(default_factory=MemorySecondStep)
    sealed: MemorySealed = field(default_factory=MemorySealed)
    key_value: MemoryKeyValue = field(default_factory=MemoryKeyValue)
    events: MemoryEvents = field(default_factory=MemoryEvents)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def by(self, caller: Caller) -> "MemoryTransaction":
        """The same transaction with another caller."""
        return replace(self, caller=caller)

    def visit_from(self, address: str | None) -> "MemoryTransaction":
        """The same transaction with a visitor at this address."""
        return self.by(Caller("visitor", Origin("web", address), scopes=()))
