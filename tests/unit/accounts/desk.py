"""The owner's browser, and the app on the owner's phone, without a database."""

from pathlib import Path

from ari.accounts import second_step, sessions, sign_in, totp, two_factor
from ari.accounts.model import Account
from ari.accounts.password import Verdict
from ari.accounts.sign_in import HalfSignedIn, NewSession
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.base.master_key import MasterKeys
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

SECRET = totp.new_secret()


class Desk:
    """The owner's browser, and the app on the owner's phone."""

    def __init__(
        self, tx: MemoryTransaction, clock: FrozenClock, origin: Origin, account: Account, folder: Path
    ) -> None:
        self.tx, self.clock, self.origin, self.account = tx, clock, origin, account
        self.tx.master_keys = self.keys = MasterKeys(folder)
        token = sessions.start(tx, account)
        self.caller = Caller(
            account.id, origin, session_digest=sessions.digest_of(token), confirmed_at_ms=clock.now_ms()
        )

    def code(self, later: int = 0) -> str:
        secret = totp.secret_bytes(SECRET)
        assert secret
        return totp.code_at(secret, totp.step_at(self.clock.now_ms()) + later)

    def turn_on(self) -> list[str]:
        return two_factor.turn_on(self.owner(), SECRET, self.code())

    def password(self, right: bool = True) -> NewSession | HalfSignedIn | None:
        tx = self.visitor()
        return sign_in.finish(tx, sign_in.begin(tx, self.account.email), Verdict(right))

    def half(self) -> str:
        made = self.password()
        assert isinstance(made, HalfSignedIn)
        return made.token

    def enter(self, half: str | None, code: str) -> NewSession | None:
        return second_step.finish_with_code(self.visitor(), half, code)

    def visitor(self) -> MemoryTransaction:
        return self.tx.by(Caller("visitor", self.origin, scopes=()))

    def owner(self) -> MemoryTransaction:
        return self.tx.by(self.caller)
