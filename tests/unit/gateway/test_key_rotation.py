"""A key that the provider limits rests, the others take its turns, and no header takes a key out forever."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ari.gateway.key_rotation import MAX_REST_SECONDS, KeyRotation, parse_retry_after
from ari.integrations.credentials import StoredKey
from ari.integrations.key_rests import ALL_MODELS
from ari.integrations.model import KeyChoice, ProviderKey
from tests.support.clock import FrozenClock

NOW_MS = 1_764_000_000_000
LATER = float("inf")
"""When a call began: after all that happened before."""


def _keys(count: int, *rejected: int) -> tuple[StoredKey, ...]:
    return tuple(
        StoredKey(
            ProviderKey(
                f"pky_{at}", "openai", "sk-…", 1, "usr_1", f"pky_{at}", failing_since_ms=5 if at in rejected else None
            ),
            None,
        )
        for at in range(count)
    )


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW_MS)


@pytest.fixture
def rotation(clock: FrozenClock) -> KeyRotation:
    return KeyRotation(clock.monotonic)


def _choose(
    rotation: KeyRotation, keys: tuple[StoredKey, ...], consumer: str = "", *, tried: tuple[str, ...] = ()
) -> str:
    choice: KeyChoice = "by_consumer" if consumer else "round_robin"
    found = rotation.choose("openai", keys, choice, consumer, frozenset(tried))
    return "" if found is None else found.key.id


def _rest(rotation: KeyRotation, key: StoredKey, seconds: float | None) -> None:
    """A 429 in a row, to a request whose model isn't known."""
    rotation.rest(key, seconds, ALL_MODELS, LATER)


def test_each_key_in_turn(rotation: KeyRotation) -> None:
    """Rejected ones and those already tried are left out; with none left there is no key."""
    keys = _keys(4, 2)
    assert [_choose(rotation, keys) for _ in range(6)] == ["pky_0", "pky_1", "pky_3"] * 2
    assert _choose(rotation, keys, tried=("pky_0", "pky_1")) == "pky_3"
    assert _choose(rotation, keys, tried=("pky_0", "pky_1", "pky_3")) == ""


def test_the_only_key_is_always_chosen(rotation: KeyRotation) -> None:
    """Its provider's own response says most about it, so nothing is refused in its place."""
    keys = _keys(1, 0)
    _rest(rotation, keys[0], 60)
    assert _choose(rotation, keys) == "pky_0"
    assert _choose(rotation, keys, tried=("pky_0",)) == ""


def test_a_consumer_keeps_its_key(rotation: KeyRotation, clock: FrozenClock) -> None:
    """In every process, while it works; one that leaves moves only its own consumers, and they return."""
    keys = _keys(5)
    consumers = [f"con_{at}" for at in range(200)]
    usual = {one: _choose(rotation, keys, one) for one in consumers}
    assert {one: _choose(KeyRotation(clock.monotonic), keys, one) for one in consumers} == usual
    assert min(Counter(usual.values()).values()) > 15
    _rest(rotation, keys[3], 10)
    moved = {one: _choose(rotation, keys, one) for one in consumers}
    assert {one for one in consumers if moved[one] != usual[one]} == {one for one in consumers if usual[one] == "pky_3"}
    clock.advance(10)
    assert {one: _choose(rotation, keys, one) for one in consumers} == usual
    fewer = {one: _choose(rotation, keys[:4], one) for one in consumers}
    assert all(fewer[one] == usual[one] for one in consumers if usual[one] != "pky_4")


def test_a_limited_key_rests(rotation: KeyRotation, clock: FrozenClock) -> None:
    """Until its Retry-After; without one for 1 s, doubled up to 5 minutes, and short again after a success."""
    keys = _keys(2)
    _rest(rotation, keys[0], 30)
    assert [_choose(rotation, keys) for _ in range(2)] == ["pky_1", "pky_1"]
    clock.advance(29.9)
    assert _choose(rotation, keys) == "pky_1"
    clock.advance(0.1)
    assert _choose(rotation, keys) == "pky_0"
    rotation.note_accepted(keys[0], ALL_MODELS, LATER)
    waits = []
    for _ in range(11):
        _rest(rotation, keys[0], None)
        waits.append(rotation.seconds_until_available(keys[:1]))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    rotation.note_accepted(keys[0], ALL_MODELS, LATER)
    _rest(rotation, keys[0], None)
    assert rotation.seconds_until_available(keys[:1]) == 1


def test_a_late_response_ends_no_newer_rest(rotation: KeyRotation, clock: FrozenClock) -> None:
    """The provider decided about that call before it limited the key."""
    keys = _keys(2)
    before = clock.monotonic()
    clock.advance(1)
    rotation.rest(keys[0], 60, "m", clock.monotonic())
    rotation.note_accepted(keys[0], "m", before)
    assert not rotation.is_available(keys[0], "m")
    clock.advance(1)
    rotation.note_accepted(keys[0], "m", clock.monotonic())
    assert rotation.is_available(keys[0], "m")


def test_calls_that_are_limited_together_count_once(rotation: KeyRotation, clock: FrozenClock) -> None:
    """Twenty at once are not twenty in a row, which would let the key rest for five minutes; none shortens a rest."""
    (key,), began = _keys(1), clock.monotonic()
    clock.advance(1)
    for _ in range(20):
        rotation.rest(key, None, "m", began)
    assert rotation.seconds_until_available([key], "m") == 1
    rotation.rest(key, 30, "m", began)
    rotation.rest(key, 5, "m", began)
    assert rotation.seconds_until_available([key], "m") == 30
    clock.advance(30)
    rotation.rest(key, None, "m", clock.monotonic())
    assert rotation.seconds_until_available([key], "m") == 2


def test_a_key_rests_for_the_model_that_was_limited(rotation: KeyRotation) -> None:
    """Requests for others go on with it; a 429 to a request without a known model is about all."""
    keys = _keys(2)
    for key in keys:
        rotation.rest(key, 3_600, "pro", LATER)
    assert rotation.choose("openai", keys, "round_robin", "", frozenset(), "pro") is None
    assert rotation.seconds_until_available(keys, "pro") == 3_600
    assert {_choose(rotation, keys) for _ in range(2)} == {"pky_0", "pky_1"}
    assert rotation.choose("openai", keys, "by_consumer", "con_1", frozenset(), "mini") is not None
    _rest(rotation, keys[0], 10)
    assert not rotation.is_available(keys[0], "mini")
    assert rotation.is_available(keys[1], "mini")


def test_invented_models_displace_each_other_alone(rotation: KeyRotation) -> None:
    """A caller can name any number of models; what is kept of each key is bounded."""
    keys = _keys(2)
    rotation.rest(keys[0], 60, "real", LATER)
    for number in range(1_000):
        rotation.rest(keys[1], 60, f"{'long' * 5_000}{number}", LATER)
        rotation.rest(keys[1], 60, f"{number}", LATER)
    assert not rotation.is_available(keys[0], "real")


def test_all_keys_are_out(rotation: KeyRotation) -> None:
    """The earliest time at which one may be tried again; none where all are rejected."""
    keys = _keys(3, 1)
    for key, seconds in zip(keys, (50, 5, 20), strict=True):
        _rest(rotation, key, seconds)
    assert _choose(rotation, keys) == _choose(rotation, keys, "con_1") == ""
    assert rotation.seconds_until_available(keys) == 20
    assert rotation.seconds_until_available(_keys(2, 0, 1)) is None


def test_a_replaced_key_does_not_rest(rotation: KeyRotation) -> None:
    """The new secret has a limit of its own."""
    keys = _keys(2)
    _rest(rotation, keys[0], 600)
    fresh = StoredKey(ProviderKey("pky_0", "openai", "sk-…", 2, "usr_1", "pky_0"), None)
    assert {_choose(rotation, (fresh, keys[1])) for _ in range(2)} == {"pky_0", "pky_1"}


def test_a_thousand_keys(rotation: KeyRotation) -> None:
    """Each gets its turn, also where most rest."""
    keys = _keys(1_000)
    assert len({_choose(rotation, keys) for _ in range(1_000)}) == 1_000
    for key in keys[:999]:
        _rest(rotation, key, 60)
    assert {_choose(rotation, keys) for _ in range(3)} == {"pky_999"}
    assert _choose(rotation, keys, "con_1") == "pky_999"


def test_a_huge_retry_after_ends(rotation: KeyRotation, clock: FrozenClock) -> None:
    """A wrong header takes a key out for an hour at most."""
    keys = _keys(2)
    _rest(rotation, keys[0], parse_retry_after([(b"Retry-After", b"9" * 400)], NOW_MS))
    assert rotation.seconds_until_available(keys[:1]) == MAX_REST_SECONDS
    clock.advance(MAX_REST_SECONDS)
    assert rotation.seconds_until_available(keys[:1]) == 0


def test_a_clock_set_back_lengthens_no_rest(rotation: KeyRotation, clock: FrozenClock) -> None:
    """Rests are measured with the monotonic clock, whatever happens to the time of day."""
    keys = _keys(2)
    _rest(rotation, keys[0], 10)
    clock.step(-3_600)
    clock.advance(10)
    assert rotation.seconds_until_available(keys[:1]) == 0


def _date(seconds: float) -> bytes:
    return format_datetime(
        datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(seconds=seconds), usegmt=True
    ).encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"20", 20),
        (b" 20 ", 20),
        (_date(90), 90),
        (_date(-90), None),
        (b"0", None),
        (b"-5", None),
        (b"1.5", None),
        (b"soon", None),
        (b"", None),
        (b"\xb2", None),
        (b"Mon, 99 Foo 2026 99:99:99 GMT", None),
        (b"Mon, 01 Jan 0001 00:00:00 +2359", None),
    ],
)
def test_every_retry_after_is_read(value: bytes, seconds: float | None) -> None:
    """Seconds or a date; anything else means the usual backoff."""
    assert parse_retry_after([(b"retry-after", value)], NOW_MS) == seconds
    assert parse_retry_after([], NOW_MS) is None
