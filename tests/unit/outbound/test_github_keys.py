"""GitHub's public keys: fetched when needed, seldom, within bounds, and never trusted for longer than a day."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from ari.base.errors import Unavailable
from ari.outbound.github_keys import MAX_AGE_SECONDS, MAX_KEYS, PAUSE_SECONDS, GitHubKeys
from tests.support.clock import FrozenClock
from tests.support.provider import Provider, provider


@pytest.fixture
def github() -> Iterator[Provider]:
    """A stand-in that publishes two keys."""
    with provider() as there:
        publish(there, "one", "two")
        yield there


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def keys(github: Provider, clock: FrozenClock) -> GitHubKeys:
    return GitHubKeys(f"{github.url}/meta/public_keys/secret_scanning", clock.monotonic)


def publish(github: Provider, *names: str) -> None:
    """Publish keys with these IDs."""
    listed = [{"key_identifier": name, "key": f"PEM {name}", "is_current": True} for name in names]
    github.status, github.body = 200, json.dumps({"public_keys": listed}).encode()


def find(keys: GitHubKeys, key_id: str) -> str | None:
    return asyncio.run(keys.find(key_id))


def is_unavailable(keys: GitHubKeys, key_id: str) -> bool:
    try:
        find(keys, key_id)
    except Unavailable:
        return True
    return False


def test_keys_are_fetched_once(keys: GitHubKeys, github: Provider) -> None:
    """With the first alert, from exactly the URL of the setting."""
    assert [find(keys, name) for name in ("one", "two", "one")] == ["PEM one", "PEM two", "PEM one"]
    [(method, path, headers)] = github.asked
    assert (method, path) == ("GET", "/meta/public_keys/secret_scanning")
    assert set(headers) == {"host", "accept", "user-agent"}


def test_unknown_keys_cause_few_requests(keys: GitHubKeys, github: Provider, clock: FrozenClock) -> None:
    """Strangers can invent as many IDs as they like; a new key of GitHub is found after the pause."""
    for number in range(20):
        assert find(keys, f"invented {number}") is None
    publish(github, "three")
    assert (find(keys, "three"), len(github.asked)) == (None, 1)
    clock.advance(PAUSE_SECONDS)
    assert (find(keys, "three"), find(keys, "one"), len(github.asked)) == ("PEM three", None, 2)


def test_many_at_once_wait_for_one_request(keys: GitHubKeys, github: Provider) -> None:
    """The first alerts after a start come together."""

    async def find_all() -> list[str | None]:
        return list(await asyncio.gather(*(keys.find("one") for _ in range(20))))

    assert asyncio.run(find_all()) == ["PEM one"] * 20
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"{}"), (200, b"<html>"), (200, b'{"public_keys": [{}]}'), (200, b'{"public_keys": []}'), (302, b"")],
)
def test_without_keys_nothing_is_decided(
    keys: GitHubKeys, github: Provider, clock: FrozenClock, status: int, body: bytes
) -> None:
    """A 503 lets GitHub try again; a service that is down isn't asked more often."""
    github.status, github.body = status, body
    assert [is_unavailable(keys, "one") for _ in range(3)] == [True] * 3
    assert len(github.asked) == 1
    publish(github, "one")
    clock.advance(PAUSE_SECONDS)
    assert find(keys, "one") == "PEM one"


def test_a_failed_request_keeps_the_keys_for_a_day(keys: GitHubKeys, github: Provider, clock: FrozenClock) -> None:
    """Then they must be on the list again, since GitHub may have withdrawn one."""
    assert find(keys, "one") == "PEM one"
    github.status = 500
    clock.advance(MAX_AGE_SECONDS - 1)
    assert (find(keys, "one"), find(keys, "unknown")) == ("PEM one", None)
    clock.advance(PAUSE_SECONDS)
    assert is_unavailable(keys, "one")
    publish(github, "two")
    clock.advance(PAUSE_SECONDS)
    assert (find(keys, "one"), find(keys, "two")) == (None, "PEM two")


def test_a_list_without_end_fills_no_memory(keys: GitHubKeys, github: Provider) -> None:
    """Of a list that is too long the first keys count; of one that is far too long none."""
    publish(github, *(f"key {number}" for number in range(MAX_KEYS + 1)))
    assert find(keys, f"key {MAX_KEYS - 1}") is not None
    assert find(keys, f"key {MAX_KEYS}") is None
    huge = GitHubKeys(github.url, FrozenClock().monotonic)
    publish(github, *(f"key {number}" for number in range(5_000)))
    assert is_unavailable(huge, "key 0")


def test_a_silent_service_is_unavailable() -> None:
    """Nothing listens there; metadata addresses are refused whatever the setting says."""
    assert is_unavailable(GitHubKeys("http://127.0.0.1:9/", FrozenClock().monotonic), "one")
    assert is_unavailable(GitHubKeys("http://169.254.169.254/", FrozenClock().monotonic), "one")
