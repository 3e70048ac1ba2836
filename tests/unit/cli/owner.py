"""An owner with a session, and their two-factor, put in the database of the command line's tests."""

from functools import cache
from typing import Any

from ari.accounts import totp, two_factor
from ari.accounts.model import SESSION_DAYS, Account, Session
from ari.accounts.password import hash_password
from ari.base.caller import Caller
from ari.base.clock import DAY_MS
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance

OLD = "seven quiet herons 41"
EMAIL = "owner@example.org"
DIGEST = b"d" * 32


def add_owner(instance: Instance) -> None:
    with instance.database.writing() as unit:
        now_ms = instance.now_ms()
        unit.accounts.add_owner(Account("usr_1", EMAIL, _hash_old(), now_ms))
        unit.accounts.add_session(Session(DIGEST, "usr_1", now_ms, now_ms + SESSION_DAYS * DAY_MS, None, None, now_ms))


def with_two_factor(ari: Any) -> str:
    """Turn two-factor on for the owner; its secret."""
    secret = totp.new_secret()
    known = totp.secret_bytes(secret)
    assert known
    instance = ari.instance()
    code = totp.code_at(known, totp.step_at(instance.now_ms()))
    Deps(instance, Caller("usr_1", Origin("web"))).do_sync(two_factor.turn_on, secret, code)
    instance.close()
    return secret


@cache
def _hash_old() -> str:
    return hash_password(OLD)
