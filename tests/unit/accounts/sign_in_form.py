"""Somebody at the sign-in form, for the tests of signing in."""

from ari.accounts import new_networks, sign_in
from ari.accounts.password import Verdict
from ari.base.errors import RateLimited
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

RIGHT, WRONG = Verdict(True), Verdict(False)


class Desk:
    """Somebody at the sign-in form."""

    def __init__(self, tx: MemoryTransaction, clock: FrozenClock) -> None:
        self.tx = tx
        self.clock = clock
        self.address = "192.0.2.7"

    def begin(
        self, address: str = "192.0.2.7", email: str = "owner@example.com", device: str | None = None
    ) -> sign_in.SignInAttempt:
        self.address = address
        return sign_in.begin(self.tx.visit_from(address), email, device)

    def finish(
        self, attempt: sign_in.SignInAttempt, verdict: Verdict, replaced: str | None = None
    ) -> sign_in.NewSession | sign_in.HalfSignedIn | None:
        return sign_in.finish(self.tx.visit_from(self.address), attempt, verdict, replaced)

    def fail(self, address: str = "192.0.2.7", email: str = "owner@example.com", device: str | None = None) -> None:
        assert self.finish(self.begin(address, email, device), WRONG) is None

    def sign_in(self, address: str = "192.0.2.7", device: str | None = None) -> sign_in.NewSession:
        done = self.finish(self.begin(address, device=device), RIGHT)
        assert isinstance(done, sign_in.NewSession)
        return done

    def wait_seconds(
        self, address: str = "192.0.2.7", email: str = "owner@example.com", device: str | None = None
    ) -> int:
        """The seconds that this attempt would have to wait; it counts if there are none."""
        try:
            self.begin(address, email, device)
        except RateLimited as limited:
            return limited.retry_after_seconds
        return 0

    def delay_seconds(self, address: str, email: str = "owner@example.com") -> int:
        """As ``wait_seconds``, once this network is no newcomer any more: the delay of the account alone."""
        for _ in range(new_networks.TRIES):
            assert self.wait_seconds(address, email) == 0
        return self.wait_seconds(address, email)
