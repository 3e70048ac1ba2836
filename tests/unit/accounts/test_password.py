import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from ari.accounts import password as passwords
from ari.accounts.password import (
    HASHES_AT_ONCE,
    QUEUE,
    PasswordHasherPool,
    Verdict,
    check_new_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from ari.base.errors import Invalid, Problem, Unavailable

GOOD = "winter morning kettle song"
OLD_PARAMETERS = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def problems_of(password: str) -> tuple[Problem, ...]:
    try:
        check_new_password(password, "owner@example.com")
    except Invalid as error:
        return tuple(error.problems)
    return ()


def problem_of(password: str) -> str:
    (problem,) = problems_of(password)
    assert problem.location == "password"
    return problem.message


def test_a_hash_names_argon2id_and_its_costs() -> None:
    """Hashes are Argon2id in PHC form with OWASP's 46 MiB, one pass, one lane, and a salt of their own."""
    first, second = hash_password(GOOD), hash_password(GOOD)
    assert first.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert first != second
    assert not needs_rehash(first)


def test_right_and_wrong() -> None:
    """The password that was hashed is right; any other is wrong."""
    stored = hash_password(GOOD)
    assert verify_password(stored, GOOD)
    assert not verify_password(stored, GOOD + " ")
    assert not verify_password(stored, "")


def test_one_password_however_it_is_composed() -> None:
    """é typed as one character or as two is the same password."""
    assert verify_password(hash_password("caf\u00e9 au lait ce matin"), "cafe\u0301 au lait ce matin")


def test_no_account_is_never_right() -> None:
    """Without a hash no password is right (rule 25 has what it costs)."""
    assert not verify_password(None, GOOD)


def test_a_broken_hash_is_never_right() -> None:
    """An invalid hash lets nobody in."""
    assert not verify_password("not a hash", GOOD)


def test_a_machine_without_memory_refuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """When hashing itself fails the result is "not now", never "wrong"."""
    stored = hash_password(GOOD)
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(memory_cost=2**32 - 1))
    with pytest.raises(Unavailable):
        hash_password(GOOD)
    with pytest.raises(Unavailable):
        verify_password(stored.replace("m=47104", "m=4294967295"), GOOD)


@pytest.mark.parametrize("long", ["x" * 1_025, "é" * 513, "\U0001d160" * 100])
def test_more_than_1024_bytes_are_not_hashed(long: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An overlong password is refused before any hashing, for new and for existing accounts."""
    stored = hash_password(GOOD)
    monkeypatch.setattr(passwords, "HASHER", None)
    assert not verify_password(stored, long)
    assert "1,024 bytes" in problem_of(long)
    with pytest.raises(Invalid):
        hash_password(long)


def test_1024_bytes_are_fine() -> None:
    """The limit itself is allowed."""
    longest = "kettle otter 42 " * 64
    check_new_password(longest, "owner@example.com")
    assert verify_password(hash_password(longest), longest)


@given(st.text(st.characters(), max_size=64))
def test_any_text_may_be_tried(text: str) -> None:
    """No text, lone surrogates and NUL included, breaks the check of a password."""
    assert not verify_password(OLD_PARAMETERS.hash(GOOD), "no " + text)


def test_short_passwords_are_refused() -> None:
    """Eleven characters are too few, counted as people see them; twelve may do."""
    assert "at least 12" in problem_of("x7!kQ2#vB9p")
    assert "at least 12" in problem_of("e\u0301" * 11)
    check_new_password("x7!kQ2#vB9pL", "owner@example.com")


@pytest.mark.parametrize(
    "common",
    [
        "password1234",
        "passwordpassword",
        "Password123!",
        "P@ssw0rd2024!",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "123456789012",
        "iloveyou1234",
        "administrator",
        "adminadmin123",
        "changeme12345",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "owner@example.com",
        "OWNER@example.com",
        "example.com2",
        "letmein" * 20,
    ],
)
def test_common_and_guessable_passwords_are_refused(common: str) -> None:
    """Lists, keyboard rows, repeats, dates and the email address itself make no password."""
    assert "too easy to guess" in problem_of(common)


@pytest.mark.parametrize(
    "good", [GOOD, "correct horse battery staple", "gkwQz83nLp2x", "kettle-otter-42", "пять тихих рыжих котов"]
)
def test_good_passwords_are_taken(good: str) -> None:
    """Passphrases in any script and random characters are fine without rules about classes of characters."""
    assert problems_of(good) == ()


@pytest.mark.parametrize(
    "control", ["kettle otter 42\n", "kettle\tsong 42", "kettle song 4\x002", "kettle song \ud800"]
)
def test_what_no_form_can_type_is_refused(control: str) -> None:
    """A line break at the end of a secret file would lock its owner out: control characters are refused."""
    assert "control characters" in problem_of(control)


@pytest.fixture
def pool() -> Iterator[PasswordHasherPool]:
    made = PasswordHasherPool()
    yield made
    made.close()


class Slow:
    """A check of passwords that takes until it is released, and counts how many run at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.started = threading.Semaphore(0)
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, password_hash: str | None, password: str) -> bool:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.started.release()
        assert self.go.wait(30)
        with self._lock:
            self.running -= 1
        return False


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow()
    monkeypatch.setattr(passwords, "verify_password", made)
    yield made
    made.go.set()


def test_the_pool_checks_and_hashes(pool: PasswordHasherPool) -> None:
    """The pool returns what the plain functions return, off the event loop's thread."""

    async def work() -> None:
        stored = await pool.hash_new(GOOD, "owner@example.com")
        assert await pool.verify(stored, GOOD) == Verdict(True)
        assert await pool.verify(stored, "another") == Verdict(False)
        assert await pool.verify(None, GOOD) == Verdict(False)
        with pytest.raises(Invalid):
            await pool.hash_new("password1234", "owner@example.com")

    asyncio.run(work())


def test_a_hash_with_older_parameters_is_replaced(pool: PasswordHasherPool) -> None:
    """A right password yields a hash with today's parameters when the stored one has others; a wrong one does not."""
    old = OLD_PARAMETERS.hash(GOOD)
    verdict = asyncio.run(pool.verify(old, GOOD))
    assert verdict.right
    assert verdict.new_hash is not None
    assert verify_password(verdict.new_hash, GOOD)
    assert not needs_rehash(verdict.new_hash)
    assert asyncio.run(pool.verify(old, "another")) == Verdict(False)


def test_two_at_once_eight_wait_the_rest_is_sent_away(pool: PasswordHasherPool, slow: Slow) -> None:
    """Whatever the flood, two passwords are hashed at once and eight wait; the next hears when to come back."""

    async def flood() -> None:
        accepted = [asyncio.create_task(pool.verify(None, GOOD)) for _ in range(HASHES_AT_ONCE + QUEUE)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as caught:
            await pool.verify(None, GOOD)
        assert caught.value.retry_after_seconds >= 1
        for _ in range(HASHES_AT_ONCE):
            await asyncio.to_thread(slow.started.acquire)
        slow.go.set()
        assert await asyncio.gather(*accepted) == [Verdict(False)] * 10
        assert await pool.verify(None, GOOD) == Verdict(False)

    asyncio.run(flood())
    assert slow.most == HASHES_AT_ONCE


def test_who_gives_up_waiting_frees_the_place(pool: PasswordHasherPool, slow: Slow) -> None:
    """A caller who disconnects while waiting makes room for another."""

    async def leave() -> None:
        waiting = [asyncio.create_task(pool.verify(None, GOOD)) for _ in range(HASHES_AT_ONCE + QUEUE)]
        for _ in range(HASHES_AT_ONCE):
            await asyncio.to_thread(slow.started.acquire)
        waiting[-1].cancel()
        await asyncio.gather(waiting[-1], return_exceptions=True)
        another = asyncio.create_task(pool.verify(None, GOOD))
        await asyncio.sleep(0)
        assert not another.done()
        slow.go.set()
        assert await another == Verdict(False)
        await asyncio.gather(*waiting[:-1])

    asyncio.run(leave())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread its own priority")
def test_hashing_has_low_priority(pool: PasswordHasherPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads that hash have a lower priority than those that serve, so a flood does not slow verification."""
    seen: list[int] = []

    def look(_hash: str | None, _password: str) -> bool:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return False

    monkeypatch.setattr(passwords, "verify_password", look)
    asyncio.run(pool.verify(None, GOOD))
    assert seen[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
