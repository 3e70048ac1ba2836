"""Rule 25: guessing passwords is slow, no matter who tries; the owner still gets in; hashing never takes over."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from argon2 import PasswordHasher

from ari.accounts import new_networks, setup
from ari.accounts import password as passwords
from ari.deps import Deps
from ari.instance import Instance
from ari.server import build_app
from tests.support.instances import opened
from tests.support.owner import EMAIL, PASSWORD, csrf_of

T = TypeVar("T")
WRONG = "a wrong password 9"


class Form:
    """The sign-in form in a browser of its own, seen from an address of its own."""

    def __init__(self, owner: Any, address: str | None = None) -> None:
        headers = {"Origin": owner.url, "Sec-Fetch-Site": "same-origin"}
        self.client = owner.api(headers={**headers, **({"X-Forwarded-For": address} if address else {})})
        self.csrf = csrf_of(self.client.get("/sign-in").text)

    def send(self, email: str = EMAIL, password: str = WRONG) -> httpx2.Response:
        """Try to sign in."""
        fields = {"email": email, "password": password, "csrf": self.csrf}
        response: httpx2.Response = self.client.post("/sign-in", data=fields)
        return response


class Here:
    """The whole app in the process of the test, with an owner and a stopped clock."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.app = build_app(instance)
        self.clock: Any = instance.clock

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work while the app serves."""

        async def serve_and_run() -> T:
            await self.app.start()
            try:
                return await work()
            finally:
                await self.app.stop()

        return asyncio.run(serve_and_run())


@pytest.fixture
def here(data_dir: Path) -> Iterator[Here]:
    """The app in this process, with an owner."""
    with opened(data_dir, None) as instance:
        Deps(instance).do_sync(setup.bootstrap_owner, EMAIL, passwords.hash_password(PASSWORD))
        yield Here(instance)


class Stranger:
    """A browser at an address of its own, in the process of the test."""

    def __init__(self, here: Here, address: str) -> None:
        url = here.instance.settings.base_url
        transport = httpx2.ASGITransport(app=here.app, client=(address, 4_000))
        headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
        self._client = httpx2.AsyncClient(transport=transport, base_url=url, headers=headers)

    async def send(self, email: str = EMAIL, password: str = WRONG) -> httpx2.Response:
        """Try to sign in."""
        csrf = csrf_of((await self._client.get("/sign-in")).text)
        return await self._client.post("/sign-in", data={"email": email, "password": password, "csrf": csrf})

    async def sign_out(self) -> None:
        """End the session; the browser stays known."""
        csrf = csrf_of((await self._client.get("/settings?tab=api")).text)
        assert (await self._client.post("/sign-out", data={"csrf": csrf})).status_code == 303


@pytest.fixture
def proxied_owner(make_owner: Any) -> Any:
    """An instance that believes its only neighbour about addresses, so a test can come from anywhere."""
    return make_owner(settings={"ARI_TRUSTED_PROXIES": "127.0.0.1"})


def is_refused(answer: httpx2.Response) -> bool:
    """Refused for the password, not for a limit."""
    return answer.status_code not in (303, 429, 503) and answer.status_code < 500


def test_five_attempts_in_five_minutes(owner_on: Any) -> None:
    """After five wrong passwords the right one is not looked at either: 429 with the seconds to wait, then it works."""
    form = Form(owner_on)
    assert all(is_refused(form.send()) for _ in range(5))
    limited = form.send(password=PASSWORD)
    assert limited.status_code == 429
    wait = int(limited.headers["retry-after"])
    assert 0 < wait <= 300
    owner_on.server.clock.advance(wait)
    assert form.send(password=PASSWORD).status_code == 303


def test_all_workers_count_together(make_owner: Any) -> None:
    """Twenty attempts at once on two workers: five passwords are looked at, fifteen responses are 429."""
    owner = make_owner(workers=2)
    forms = [Form(owner) for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        statuses = Counter(answer.status_code for answer in threads.map(lambda form: form.send(), forms))
    assert statuses[429] == 15
    assert statuses[303] == 0


def test_a_forged_address_is_no_other_address(owner: Any) -> None:
    """Without a trusted proxy X-Forwarded-For changes nothing about whose attempts are counted."""
    assert all(is_refused(Form(owner, f"203.0.113.{number}").send()) for number in range(5))
    assert Form(owner, "203.0.113.99").send().status_code == 429


def test_ipv6_counts_by_64(proxied_owner: Any) -> None:
    """All addresses of one /64 share five attempts; the next /64 has its own."""
    assert all(is_refused(Form(proxied_owner, f"2001:db8:1:2::{n}").send(f"{n}@example.org")) for n in range(5))
    assert Form(proxied_owner, "2001:db8:1:2:ffff::1").send("another@example.org").status_code == 429
    assert is_refused(Form(proxied_owner, "2001:db8:1:3::1").send("another@example.org"))


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_an_account_responds_slower_and_slower_but_never_locks(here: Here, email: str) -> None:
    """Networks that go on with one account wait longer and longer for it, at most thirty seconds."""

    async def try_on() -> list[int]:
        waits = []
        for number in range(5):
            assert is_refused(await Stranger(here, f"192.0.2.{number}").send(email))
        for number in range(7):
            stranger = Stranger(here, f"198.51.100.{number}")
            assert all([is_refused(await stranger.send(email)) for _ in range(new_networks.TRIES)])
            answer = await stranger.send(email)
            waits.append(int(answer.headers["retry-after"]))
            here.clock.advance(waits[-1])
            assert is_refused(await stranger.send(email))
        return waits

    assert here.run(try_on) == [1, 2, 4, 8, 16, 30, 30]


def test_a_flood_does_not_lock_the_owner_out(here: Here) -> None:
    """A browser that signed in before signs in whatever strangers do to its account and from its address.

    So does one that never did, at an address from which nobody tried.
    """

    async def flood() -> None:
        mine = Stranger(here, "203.0.113.7")
        assert (await mine.send(password=PASSWORD)).status_code == 303
        await mine.sign_out()
        for number in range(10):
            await Stranger(here, "203.0.113.7").send()
            await Stranger(here, f"198.51.100.{number}").send()
            here.clock.advance(20)
        assert (await Stranger(here, "203.0.113.7").send(password=PASSWORD)).status_code == 429
        assert (await Stranger(here, "198.51.100.77").send(password=PASSWORD)).status_code == 303
        assert (await mine.send(password=PASSWORD)).status_code == 303

    here.run(flood)


def without_accidents(answer: httpx2.Response, email: str) -> tuple[int, list[tuple[str, str]], str]:
    """The response without what differs between any two: the typed address, ids, nonces, proofs, the date."""
    text = answer.text.replace(email, "EMAIL")
    text = re.sub(r'(nonce|value|data-request-id)="[A-Za-z0-9_-]{20,}"', r"\1", text)
    changing = ("date", "x-request-id", "content-security-policy", "content-length")
    return answer.status_code, [pair for pair in answer.headers.items() if pair[0] not in changing], text


def test_unknown_and_wrong_get_the_same_response(proxied_owner: Any) -> None:
    """Status, headers and page are the same for a wrong password and for an account that does not exist."""
    expected = without_accidents(Form(proxied_owner, "192.0.2.1").send(), EMAIL)
    assert "Incorrect email or password" in expected[2]
    assert (
        without_accidents(Form(proxied_owner, "192.0.2.2").send("nobody@example.org"), "nobody@example.org") == expected
    )
    for email in ("no address", "a" * 5_000 + "@example.org", "\x01", ""):
        answer = without_accidents(Form(proxied_owner, "192.0.2.3").send(email), email or "nothing")
        assert answer[:2] == expected[:2]
        assert "Incorrect email or password" in answer[2]


def test_an_unknown_account_costs_one_hash_with_current_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an account that does not exist one Argon2id hash is computed, as costly as a new one."""
    seen = []
    verify = PasswordHasher.verify

    def record(hasher: PasswordHasher, stored: str, secret: bytes) -> bool:
        seen.append(stored)
        return verify(hasher, stored, secret)

    monkeypatch.setattr(PasswordHasher, "verify", record)
    assert not passwords.verify_password(None, WRONG)
    (stored,) = seen
    new = passwords.hash_password("x")
    assert stored.rpartition("$")[0].rpartition("$")[0] == new.rpartition("$")[0].rpartition("$")[0]
    assert not passwords.needs_rehash(stored)


def test_an_overlong_password_is_refused_unhashed(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1,024 bytes are simply wrong; the hasher never sees them."""
    assert is_refused(Form(owner).send(password="x" * 1_025))
    assert is_refused(Form(owner).send(password="é" * 513))
    monkeypatch.setattr(passwords, "HASHER", None)
    assert not passwords.verify_password(None, "x" * 1_025)


def test_a_flood_is_asked_to_come_back(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two passwords are hashed and eight wait, the next is 503 with Retry-After; that attempt is not counted."""
    go = threading.Event()
    monkeypatch.setattr(passwords, "verify_password", lambda _hash, _password: go.wait(30) and False)

    async def flood() -> None:
        crowd = [asyncio.create_task(Stranger(here, f"192.0.2.{n}").send(f"{n}@example.org")) for n in range(10)]
        while here.instance.passwords.under_way < 10:
            await asyncio.sleep(0.01)
        late = Stranger(here, "192.0.2.99")
        for _ in range(6):
            sent_away = await late.send()
            assert sent_away.status_code == 503
            assert int(sent_away.headers["retry-after"]) >= 1
        go.set()
        assert all(is_refused(answer) for answer in await asyncio.gather(*crowd))
        assert all([is_refused(await late.send()) for _ in range(5)])
        assert (await late.send()).status_code == 429

    here.run(flood)


def test_a_flood_of_hashes_keeps_nobody_out(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """While strangers with a /32 take every place, a known browser and one from elsewhere get theirs."""
    go = threading.Event()
    real = passwords.verify_password
    monkeypatch.setattr(passwords, "verify_password", lambda stored, given: go.wait(30) and real(stored, given))

    async def flood() -> None:
        go.set()
        mine = Stranger(here, "203.0.113.7")
        assert (await mine.send(password=PASSWORD)).status_code == 303
        await mine.sign_out()
        go.clear()
        crowd = [
            asyncio.create_task(Stranger(here, f"2001:db8:{number:x}::1").send(f"{number}@example.org"))
            for number in range(14)
        ]
        while here.instance.passwords.under_way < 10:
            await asyncio.sleep(0.01)
        owners = [mine, Stranger(here, "198.51.100.7")]
        trying = [asyncio.create_task(one.send(password=PASSWORD)) for one in owners]
        while not any(one.done() for one in crowd[10:]) or here.instance.passwords.under_way < 11:
            await asyncio.sleep(0.01)
        go.set()
        assert [answer.status_code for answer in await asyncio.gather(*trying)] == [303, 303]
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*crowd))
        assert statuses[503] >= 4

    here.run(flood)
