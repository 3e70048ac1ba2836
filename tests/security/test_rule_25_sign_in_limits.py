"""Rule 25: guessing passwords is slow, whoever tries; the owner gets in all the same; hashing never takes over."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from ari.accounts import password as passwords
from tests.support.owner import EMAIL, PASSWORD, csrf_of

WRONG = "a wrong password 9"


class Form:
    """The sign-in form in a browser of its own, seen from an address of its own."""

    def __init__(self, owner: Any, address: str | None = None) -> None:
        headers = {"Origin": owner.url, "Sec-Fetch-Site": "same-origin"}
        self.client = owner.api(headers={**headers, **({"X-Forwarded-For": address} if address else {})})
        self.csrf = csrf_of(self.client.get("/sign-in").text)

    def send(self, email: str = EMAIL, password: str = WRONG) -> httpx2.Response:
        """Try to sign in."""
        return self.client.post("/sign-in", data={"email": email, "password": password, "csrf": self.csrf})


@pytest.fixture
def proxied(make_owner: Any) -> Any:
    """An instance that believes its only neighbour about addresses, so a test can come from anywhere."""
    return make_owner(settings={"ARI_TRUSTED_PROXIES": "127.0.0.1"})


def refused(answer: httpx2.Response) -> bool:
    """Refused for the password, not for a limit."""
    return answer.status_code not in (303, 429, 503) and answer.status_code < 500


def test_five_attempts_in_five_minutes(owner_on: Any) -> None:
    """After five wrong passwords the right one is not looked at either: 429 with the seconds to wait, then it works."""
    form = Form(owner_on)
    assert all(refused(form.send()) for _ in range(5))
    limited = form.send(password=PASSWORD)
    assert limited.status_code == 429
    wait = int(limited.headers["retry-after"])
    assert 0 < wait <= 300
    owner_on.server.clock.advance(wait)
    assert form.send(password=PASSWORD).status_code == 303


def test_all_workers_count_together(make_owner: Any) -> None:
    """Twenty attempts at once on two workers: five passwords are looked at, fifteen answers are 429."""
    owner = make_owner(workers=2)
    forms = [Form(owner) for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        statuses = Counter(answer.status_code for answer in threads.map(lambda form: form.send(), forms))
    assert statuses[429] == 15
    assert statuses[303] == 0


def test_a_forged_address_is_no_other_address(owner: Any) -> None:
    """Without a trusted proxy X-Forwarded-For changes nothing about whose attempts are counted."""
    assert all(refused(Form(owner, f"203.0.113.{number}").send()) for number in range(5))
    assert Form(owner, "203.0.113.99").send().status_code == 429


def test_ipv6_counts_by_64(proxied: Any) -> None:
    """All addresses of one /64 share five attempts; the next /64 has its own."""
    assert all(refused(Form(proxied, f"2001:db8:1:2::{n}").send(f"{n}@example.org")) for n in range(5))
    assert Form(proxied, "2001:db8:1:2:ffff::1").send("another@example.org").status_code == 429
    assert refused(Form(proxied, "2001:db8:1:3::1").send("another@example.org"))


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_an_account_answers_slower_and_slower_but_never_locks(proxied: Any, email: str) -> None:
    """Attempts on one account from ever new addresses wait longer and longer, at most thirty seconds."""
    waits = []
    for number in range(15):
        answer = Form(proxied, f"198.51.100.{number}").send(email)
        if answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            proxied.server.clock.advance(waits[-1])
            answer = Form(proxied, f"198.51.100.{number}").send(email)
        assert refused(answer)
    assert len(waits) == 10
    assert waits == sorted(waits)
    assert max(waits) <= 30


def test_a_flood_does_not_lock_the_owner_out(proxied: Any) -> None:
    """A browser that signed in before signs in whatever strangers do to its account and from its address."""
    mine = Form(proxied, "203.0.113.7")
    assert mine.send(password=PASSWORD).status_code == 303
    session = {name for name in mine.client.cookies if "device" not in name and "visitor" not in name}
    for name in session:
        mine.client.cookies.delete(name)
    mine.csrf = csrf_of(mine.client.get("/sign-in").text)
    for number in range(5):
        Form(proxied, "203.0.113.7").send()
        Form(proxied, f"198.51.100.{number}").send()
    assert Form(proxied, "203.0.113.7").send(password=PASSWORD).status_code == 429
    assert Form(proxied, "198.51.100.77").send(password=PASSWORD).status_code == 429
    assert mine.send(password=PASSWORD).status_code == 303


def without_accidents(answer: httpx2.Response, email: str) -> tuple[int, list[tuple[str, str]], str]:
    """The answer without what differs between any two: the typed address, ids, nonces, proofs, the date."""
    text = answer.text.replace(email, "EMAIL")
    text = re.sub(r'(nonce|value|data-request-id)="[A-Za-z0-9_-]{20,}"', r"\1", text)
    changing = ("date", "x-request-id", "content-security-policy", "content-length")
    return answer.status_code, [pair for pair in answer.headers.items() if pair[0] not in changing], text


@pytest.mark.parametrize("email", ["nobody@example.org", "no address", "a" * 5_000 + "@example.org", "\x00"])
def test_unknown_and_wrong_are_answered_alike(owner: Any, email: str) -> None:
    """Status, headers and page are the same for a wrong password and for an account that does not exist."""
    known, unknown = Form(owner), Form(owner)
    expected = without_accidents(known.send(), EMAIL)
    got = without_accidents(unknown.send(email), email)
    assert got[:2] == expected[:2]
    assert "E-mail or password is wrong" in got[2]
    if email == "nobody@example.org":
        assert got == expected


def test_an_unknown_account_costs_one_hash_with_current_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an account that does not exist one Argon2id hash is computed, as costly as a new one."""
    seen = []
    real = passwords._HASHER

    class Spy:
        def verify(self, stored: str, secret: bytes) -> bool:
            seen.append(stored)
            return real.verify(stored, secret)

    monkeypatch.setattr(passwords, "_HASHER", Spy())
    assert not passwords.verify_password(None, WRONG)
    (stored,) = seen
    assert stored.rpartition("$")[0].rpartition("$")[0] == real.hash("x").rpartition("$")[0].rpartition("$")[0]
    assert not real.check_needs_rehash(stored)


def test_an_overlong_password_is_refused_unhashed(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1,024 bytes are simply wrong; the hasher never sees them."""
    assert refused(Form(owner).send(password="x" * 1_025))
    assert refused(Form(owner).send(password="é" * 513))
    monkeypatch.setattr(passwords, "_HASHER", None)
    assert not passwords.verify_password(None, "x" * 1_025)


@pytest.fixture
def flood(proxied: Any) -> list[Form]:
    """A hundred strangers, each at an address and with an account of its own."""
    return [Form(proxied, f"198.51.{number}.1") for number in range(100)]


def test_a_flood_is_told_to_come_back(flood: list[Form]) -> None:
    """What two hashing threads and eight places cannot take is 503 with Retry-After, at once and without a count."""

    def send(number: int) -> httpx2.Response:
        return flood[number].send(f"{number}@example.org")

    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(send, range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[503] > 0
    assert statuses[503] + sum(refused(answer) for answer in answers) == 100
    sent_away = [number for number, answer in enumerate(answers) if answer.status_code == 503]
    assert all(int(answers[number].headers["retry-after"]) >= 1 for number in sent_away)
    patient = sent_away[0]
    assert all(refused(send(patient)) for _ in range(5))
    assert send(patient).status_code == 429
