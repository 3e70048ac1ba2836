"""Accounts, sessions, devices, attempts and key-value entries."""

import pytest

from ari.accounts.model import Account, MailLink, Session
from ari.instance import Instance
from tests.support.instances import START_MS

OWNER = Account("usr_1", "owner@example.com", "a hash", START_MS)


@pytest.fixture
def owned_instance(instance: Instance) -> Instance:
    with instance.database.writing() as unit:
        assert unit.accounts.add_owner(OWNER)
    return instance


def _session(digest: bytes, expires_at_ms: int) -> Session:
    return Session(digest * 32, OWNER.id, START_MS, expires_at_ms, None, None, START_MS)


def test_a_second_owner_changes_nothing(owned_instance: Instance) -> None:
    """Of two setups at once one makes the owner, and the other must not take the account over."""
    with owned_instance.database.writing() as unit:
        assert not unit.accounts.add_owner(Account("usr_2", "thief@example.com", "another hash", START_MS))
        assert unit.accounts.owner() == OWNER
        assert unit.accounts.by_email("thief@example.com") is None


def test_a_session_is_dead_at_its_end(owned_instance: Instance) -> None:
    """At that very millisecond, whether it is read alone or in a list."""
    living, over = _session(b"a", START_MS + 1), _session(b"b", START_MS)
    with owned_instance.database.writing() as unit:
        for session in (living, over):
            unit.accounts.add_session(session)
        assert unit.accounts.session(over.digest, START_MS) is None
        found = unit.accounts.session(living.digest, START_MS)
        assert found is not None
        assert (found.account, found.session) == (OWNER, living)
        assert unit.accounts.sessions_of(OWNER.id, START_MS) == [living]


def test_ending_all_sessions_may_spare_one(owned_instance: Instance) -> None:
    """Who changes the password stays signed in, and nobody else."""
    with owned_instance.database.writing() as unit:
        for digest in (b"a", b"b", b"c"):
            unit.accounts.add_session(_session(digest, START_MS + 9))
        assert unit.accounts.end_sessions(OWNER.id, b"b" * 32) == 2
        assert [one.digest for one in unit.accounts.sessions_of(OWNER.id, START_MS)] == [b"b" * 32]
        assert unit.accounts.end_session(b"b" * 32)
        assert not unit.accounts.end_session(b"b" * 32)


def test_a_new_link_replaces_only_one_of_its_purpose(owned_instance: Instance) -> None:
    """An older reset link stops working once another is sent; a link that confirms an address still works."""
    links = [
        MailLink(b"1" * 32, OWNER.id, "reset", OWNER.email, START_MS + 9),
        MailLink(b"2" * 32, OWNER.id, "email", "new@example.com", START_MS + 9),
        MailLink(b"3" * 32, OWNER.id, "reset", OWNER.email, START_MS + 9),
    ]
    with owned_instance.database.writing() as unit:
        for link in links:
            unit.accounts.keep_link(link)
        assert [unit.accounts.link(link.digest, START_MS) for link in links] == [None, *links[1:]]
        assert unit.accounts.link(links[2].digest, START_MS + 9) is None
        assert [unit.accounts.end_link(links[2].digest) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("prefix", "left"), [("account usr_1", ["net"]), ("account usr%", ["account", "net"])])
def test_forgotten_attempts_begin_with_the_text_itself(owned_instance: Instance, prefix: str, left: list[str]) -> None:
    """A wildcard in it would forget the attempts of others, and with them their limits."""
    buckets = {"account": "account usr_1 x", "net": "net usrX1"}
    with owned_instance.database.writing() as unit:
        for bucket in buckets.values():
            unit.accounts.keep_attempts(bucket, (1, 2), START_MS)
        unit.accounts.forget_attempts(prefix)
        assert [name for name, bucket in buckets.items() if unit.accounts.attempts_now(bucket) == (1, 2)] == left


def test_a_note_is_swapped_only_from_what_it_was(owned_instance: Instance) -> None:
    """So that of two processes that saw the same note one goes on."""
    with owned_instance.database.writing() as unit:
        assert unit.key_value.swap("n", None, "1")
        assert not unit.key_value.swap("n", None, "2")
        assert not unit.key_value.swap("n", "0", "2")
        assert unit.key_value.swap("n", "1", "2")
        assert unit.key_value.get("n") == "2"
        unit.key_value.put("n", None)
        assert not unit.key_value.swap("n", "2", "3")
