"""security.md 6: bodies, heads and forms have limits; other kinds of content are refused."""

import json
from typing import Any

import pytest

from tests.support import raw


@pytest.fixture
def admin(shared_owner: Any) -> Any:
    return shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])


def _count(admin: Any) -> int:
    return len(admin.get("/api/keys?limit=200").json()["items"])


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (json.dumps({"name": "n" * 70_000}), "application/json", 413),
        ("[" * 17 + "]" * 17, "application/json", 400),
        ("[" * 65_000, "application/json", 400),
        ('{"name": "n"', "application/json", 400),
        ('{"name": "n"}', "text/plain", 415),
        ('{"name": "n"}', "application/x-www-form-urlencoded", 415),
        ("--x--", "multipart/form-data; boundary=x", 415),
        ('{"name": "n", "nam": 1}', "application/json", 422),
        ("[]", "application/json", 422),
        ("", "application/json", 422),
    ],
)
def test_bodies_that_are_refused(admin: Any, content: str, kind: str, status: int) -> None:
    """And nothing is written."""
    before = _count(admin)
    answer = admin.post("/api/keys", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert _count(admin) == before


def test_compressed_bodies_are_refused(admin: Any) -> None:
    """No decompression bombs."""
    answer = admin.post(
        "/api/keys", content=b"x", headers={"content-type": "application/json", "content-encoding": "gzip"}
    )
    assert answer.status_code == 415


def test_the_length_alone_refuses(shared_owner: Any, admin: Any) -> None:
    """413 before reading on: the body never comes."""
    key = admin.headers["x-api-key"].encode()
    lines = (b"x-api-key: " + key, b"content-type: application/json", b"content-length: 999999999")
    assert raw.request(shared_owner.server.port, b"POST", b"/api/keys", *lines).status == 413


def test_a_huge_head_is_refused(shared_owner: Any) -> None:
    """Header block of 32 KiB at most."""
    answer = raw.send(
        shared_owner.server.port, b"GET /api/me HTTP/1.1\r\nhost: localhost\r\nx-a: " + b"a" * 40_000 + b"\r\n\r\n"
    )
    assert answer is None or answer.status in (413, 431, 400)


def test_a_form_has_limits_too(shared_owner: Any) -> None:
    """64 KiB and 250 fields."""
    session = shared_owner.session()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for content, status in (("a=" + "x" * 70_000, 413), ("&".join(f"a{i}=1" for i in range(251)), 400)):
        assert session.post("/sign-in", content=content, headers=headers).status_code == status
    assert session.post("/sign-in", files={"a": b"x"}).status_code == 415
