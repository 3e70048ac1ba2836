"""The benchmark's traffic: mixed clients behind a proxy, and no two heads alike."""

import re
from collections.abc import Sequence

from benchmarks import traffic
from benchmarks.load import message

PLAIN = [message(1, "/api/me", {"x-api-key": key}) for key in ("one", "two")]


def values_of(name: str, messages: Sequence[bytes]) -> list[str]:
    found = [re.search(rf"\r\n{name}: ([^\r]*)\r\n", text.decode(), re.IGNORECASE) for text in messages]
    return [match[1] for match in found if match]


def test_every_request_has_its_own_id_and_trace() -> None:
    """Also when the same message is sent again."""
    varied = traffic.vary(PLAIN, count=500)
    sent = [traffic.fill(text, number) for number, text in enumerate([*varied, *varied])]
    for name, pattern in (("x-request-id", r"[0-9a-f]{32}"), ("traceparent", r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")):
        values = values_of(name, sent)
        assert len(set(values)) == 1_000
        assert all(re.fullmatch(pattern, value) for value in values)


def test_clients_are_mixed() -> None:
    """50 user agents and 200 addresses; every key is used."""
    varied = traffic.vary(PLAIN, count=5_000)
    assert len(set(values_of("user-agent", varied))) == traffic.AGENTS == 50
    assert len(set(values_of("x-forwarded-for", varied))) == traffic.ADDRESSES == 200
    assert set(values_of("x-api-key", varied)) == {"one", "two"}


def test_a_body_stays_as_it_is() -> None:
    """Only the head gets fields."""
    (varied,) = traffic.vary([message(1, "/x", {}, "POST", b'{"a":"\\r\\n"}')], count=1)
    assert varied.endswith(b"Content-Length: 12\r\n" + varied.split(b"Content-Length: 12\r\n")[1])
    assert varied.partition(b"\r\n\r\n")[2] == b'{"a":"\\r\\n"}'
