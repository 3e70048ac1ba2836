"""What ARI promises about API keys, in the plainest words that a machine can follow: the reference for the model test.

Written from the documentation, not from the product's code, and shares nothing with it. A command responds with the set
of refusals that would be right, empty if it must succeed; several may be right where a request is wrong in many ways.
"""

from dataclasses import dataclass, field

HOUR = 3_600_000
DAY = 24 * HOUR
LIFETIMES = {"1h": HOUR, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "1y": 365 * DAY, "never": None}
KNOWN = {"api:read", "keys:read", "keys:write", "usage:read"}
WILD = {"*", "api:*", "keys:*", "usage:*"}
YEAR_10000 = 253_402_300_800_000
STANDARD = {"api:read"}
OWNER = -1
"""The caller who is no key."""


@dataclass
class Key:
    """A key as its owner thinks of it."""

    name: str
    scopes: set[str]
    expires: int | None
    maker: int
    disabled: bool = False
    revoked: bool = False
    stamped: bool = False
    deleted: bool = False
    grantors: set[int] = field(default_factory=set)
    events: list[str] = field(default_factory=list)


def contains(held: set[str], wanted: str) -> bool:
    """Whether who holds these scopes holds that one."""
    return "*" in held or wanted in held or (wanted != "*" and wanted.split(":", maxsplit=1)[0] + ":*" in held)


def _resolve_scopes(scopes: set[str]) -> set[str]:
    return {"*"} if "*" in scopes else scopes


def _bad_scopes(scopes: set[str]) -> bool:
    return not scopes or not scopes <= KNOWN | WILD


def _bad_name(name: str) -> bool:
    trimmed = name.strip()
    return not 0 < len(trimmed) <= 100 or "\n" in trimmed or "\u202e" in trimmed


@dataclass
class Reference:
    """All keys, by number, and the time."""

    now: int
    keys: list[Key] = field(default_factory=list)

    def is_expired(self, key: Key) -> bool:
        """Dead at that instant, and permanently once seen so."""
        return key.stamped or (key.expires is not None and self.now >= key.expires)

    def is_dead(self, key: Key) -> bool:
        """Revoked or expired."""
        return key.revoked or self.is_expired(key)

    def verdict(self, number: int, scope: str | None) -> str:
        """The verdict on a request with this key."""
        key = self.keys[number]
        if key.revoked:
            return "revoked"
        if self.is_expired(key):
            if not key.stamped:
                self.look_for_expired()
            return "expired"
        if key.disabled:
            return "disabled"
        return "ok" if scope is None or contains(key.scopes, scope) else "insufficient_scope"

    def look_for_expired(self) -> None:
        """A key seen expired stays so, whatever the clock does later."""
        for key in self.keys:
            key.stamped = key.stamped or self.is_expired(key)

    def is_caller_dead(self, caller: int) -> bool:
        """Whether this caller can do nothing any more."""
        if caller == OWNER:
            return False
        key = self.keys[caller]
        return self.is_dead(key) or key.disabled or key.deleted

    def _holds(self, caller: int, scopes: set[str]) -> bool:
        return caller == OWNER or all(contains(self.keys[caller].scopes, scope) for scope in scopes)

    def _outlives(self, caller: int, expires: int | None) -> bool:
        limit = None if caller == OWNER else self.keys[caller].expires
        return limit is not None and (expires is None or expires > limit)

    def _wrong_expiry(self, expires: int | None) -> bool:
        return expires is not None and not self.now < expires < YEAR_10000

    def create(
        self, caller: int, name: str, word: str | None, at: int | None, scopes: set[str] | None
    ) -> tuple[set[str], Key | None]:
        """A key; the caller gives only what it has, and no longer than it lives."""
        if self.is_caller_dead(caller):
            return {"CallerRevoked"}, None
        wrong = set()
        granted = STANDARD if scopes is None else scopes
        expires = at
        if word is not None:
            lifetime = LIFETIMES[word]
            expires = None if lifetime is None else self.now + lifetime
        if _bad_name(name) or _bad_scopes(granted) or (word is not None and at is not None):
            wrong.add("Invalid")
        if self._wrong_expiry(expires):
            wrong.add("Invalid")
        granted = _resolve_scopes(granted)
        if not self._holds(caller, granted) or self._outlives(caller, expires):
            wrong.add("Forbidden")
        if wrong:
            return wrong, None
        self.keys.append(Key(name.strip(), set(granted), expires, caller, events=["key_created"]))
        return set(), self.keys[-1]

    def _find_untouchable(self, caller: int, number: int, even_deleted: bool = False) -> set[str]:
        if self.is_caller_dead(caller):
            return {"CallerRevoked"}
        key = self.keys[number]
        if key.deleted and not even_deleted:
            return {"NotFound"}
        return set() if self._holds(caller, key.scopes) else {"Forbidden"}

    def change(self, caller: int, number: int, wanted: dict[str, object]) -> set[str]:
        """Rename, rescope, re-expire, disable, enable: all or nothing."""
        wrong = self._find_untouchable(caller, number)
        if wrong:
            return wrong
        key = self.keys[number]
        if self.is_dead(key):
            return {"key_inactive"}
        scopes, expires = self._get_wanted_scopes(key, wanted), wanted.get("expires", key.expires)
        assert expires is None or isinstance(expires, int)
        wrong = self._invalid(key, wanted, expires) | self._forbidden(caller, number, wanted, scopes, expires)
        if not wrong:
            if caller != OWNER and self._gains_rights(key, wanted, scopes, expires):
                key.grantors.add(caller)
            self._apply(key, wanted, scopes, expires)
        return wrong

    def _invalid(self, key: Key, wanted: dict[str, object], expires: int | None) -> set[str]:
        scopes = wanted.get("scopes", key.scopes)
        assert isinstance(scopes, set | frozenset)
        bad = _bad_name(str(wanted.get("name", key.name))) or _bad_scopes(set(scopes))
        return {"Invalid"} if bad or (expires != key.expires and self._wrong_expiry(expires)) else set()

    def _forbidden(
        self, caller: int, number: int, wanted: dict[str, object], scopes: set[str], expires: int | None
    ) -> set[str]:
        """A key gains only what the caller holds, for no longer than it lives, and gives nothing to its own sources."""
        key = self.keys[number]
        gains = self._gains_rights(key, wanted, scopes, expires)
        too_wide = scopes != key.scopes and not self._holds(caller, scopes)
        too_long = (gains or expires != key.expires) and self._outlives(caller, expires)
        return {"Forbidden"} if too_wide or too_long or (gains and number in self._sources(caller)) else set()

    @staticmethod
    def _gains_rights(key: Key, wanted: dict[str, object], scopes: set[str], expires: int | None) -> bool:
        """Whether the change lets the key do something that it could not do."""
        wider = not all(contains(key.scopes, scope) for scope in scopes)
        longer = key.expires is not None and (expires is None or expires > key.expires)
        return wider or longer or (key.disabled and wanted.get("disabled") is False)

    def _sources(self, caller: int) -> set[int]:
        """The caller, and every key that it has its rights from."""
        if caller == OWNER:
            return set()
        found, looking = {caller}, [caller]
        while looking:
            key = self.keys[looking.pop()]
            new = ({key.maker} | key.grantors) - found - {OWNER}
            found |= new
            looking += new
        return found

    @staticmethod
    def _get_wanted_scopes(key: Key, wanted: dict[str, object]) -> set[str]:
        given = wanted.get("scopes", key.scopes)
        assert isinstance(given, set | frozenset)
        return _resolve_scopes(set(given))

    @staticmethod
    def _apply(key: Key, wanted: dict[str, object], scopes: set[str], expires: int | None) -> None:
        name = str(wanted.get("name", key.name)).strip()
        disabled = bool(wanted.get("disabled", key.disabled))
        if name != key.name:
            key.events.append("key_renamed")
        if scopes != key.scopes:
            key.events.append("key_scopes_changed")
        if expires != key.expires:
            key.events.append("key_expiry_changed")
        if disabled != key.disabled:
            key.events.append("key_disabled" if disabled else "key_enabled")
        key.name, key.scopes, key.expires, key.disabled = name, scopes, expires, disabled

    def _list_descendants(self, number: int) -> list[Key]:
        """The keys that it made or let do more, and theirs; what a deleted one made is among them."""
        found, looking = {number}, [number]
        while looking:
            one = looking.pop()
            new = {
                other
                for other, key in enumerate(self.keys)
                if other not in found and (key.maker == one or one in key.grantors)
            }
            found |= new
            looking += new
        return [self.keys[other] for other in found - {number} if not self.keys[other].deleted]

    def revoke(self, caller: int, number: int, with_made: bool) -> set[str]:
        """Permanent; a repeat changes nothing. ``with_made`` includes the keys it made, also where it is deleted."""
        wrong = self._find_untouchable(caller, number, even_deleted=with_made)
        if wrong:
            return wrong
        made = [key for key in self._list_descendants(number) if not self.is_dead(key)] if with_made else []
        if not all(self._holds(caller, key.scopes) for key in made):
            return {"Forbidden"}
        if with_made:
            self.look_for_expired()
        for key in (self.keys[number], *made):
            if not key.revoked and not key.deleted:
                key.revoked = True
                key.events.append("key_revoked")
        return set()

    def delete(self, caller: int, number: int) -> set[str]:
        """Only what is revoked or expired."""
        wrong = self._find_untouchable(caller, number)
        if wrong:
            return wrong
        key = self.keys[number]
        if not self.is_dead(key):
            return {"key_active"}
        key.stamped = key.stamped or self.is_expired(key)
        key.deleted = True
        key.events.append("key_deleted")
        return set()

    def status(self, number: int) -> str:
        """The rows of the table."""
        key = self.keys[number]
        if key.revoked:
            return "revoked"
        if self.is_expired(key):
            return "expired"
        return "disabled" if key.disabled else "active"
