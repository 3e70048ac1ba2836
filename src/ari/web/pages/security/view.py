"""What Settings > Security shows."""

from dataclasses import dataclass

from ari.accounts.model import Session, TwoFactor
from ari.accounts.ports import AccountTransaction
from ari.base.events import Event

LATEST_EVENTS = 20


@dataclass(frozen=True, slots=True)
class AccountSecurity:
    """An account's sessions, newest first, its two-factor authentication and its latest events."""

    sessions: list[Session]
    two_factor: TwoFactor | None
    codes_left: int
    events: list[Event]


def read_security(tx: AccountTransaction) -> AccountSecurity:
    """Read the calling account."""
    account_id = tx.caller.actor
    return AccountSecurity(
        tx.accounts.sessions_of(account_id, tx.now_ms),
        tx.second_step.two_factor(account_id),
        tx.second_step.count_backup_codes(account_id),
        tx.events.page(account_id, None, LATEST_EVENTS),
    )
