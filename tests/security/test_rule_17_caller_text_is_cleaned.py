"""security.md 17: the caller's text is cleaned before the buffer; no row that a database refuses fails its batch."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ari.keys import token
from ari.usage.ports import Batch
from tests.support import raw
from tests.support.instances import opened
from tests.support.usage import make_row, read_sums, rows_of


def _rows(owner: Any, key: dict[str, Any], secret: str) -> list[dict[str, Any]]:
    """The whole log of a key, as it reads it itself, but for the reading."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        given = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = owner.api(secret).get(f"/api/keys/{key['id']}/usage", params=given).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return [item for item in items if not item["route"].endswith("/usage")]


def test_a_nul_among_64_in_flight_costs_nobody_anything(owner_on: Any) -> None:
    """No 503, and every row is there, on both databases."""
    key, secret = owner_on.create_key("k")
    port, header = owner_on.server.port, b"x-api-key: " + secret.encode()
    targets = [b"/api/me"] * 63
    targets[31:31] = [b"/api/%00"]
    for _ in range(3):
        with ThreadPoolExecutor(64) as threads:
            answers = list(threads.map(lambda target: raw.get(port, target, header), targets))
        assert sorted(answer.status for answer in answers) == [200] * 63 + [400]
    rows = _rows(owner_on, key, secret)
    assert sorted(row["code"] for row in rows) == ["invalid_request"] * 3 + ["ok"] * 189
    assert {row["path"] for row in rows} == {"/api/me", "/api/%00"}


@pytest.mark.parametrize("poison", ["\x00", "\ud800"], ids=["NUL", "lone surrogate"])
def test_what_slips_through_is_blanked_not_fatal(data_dir: Path, database_url: str | None, poison: str) -> None:
    """Should cleaning ever miss something: 64 rows go in, 64 are there."""
    with opened(data_dir, database_url) as instance:
        rows = [make_row() for _ in range(64)]
        rows[20].path = rows[20].user_agent = f"a{poison}b"
        instance.database.usage.commit(Batch(rows))
        stored = rows_of(instance.database)
        assert {row.id for row in stored} == {row.id for row in rows}
        assert read_sums(instance.database) == {rows[0].key_id: (64, 0)}


def test_texts_are_bounded_and_hold_no_control_characters(owner: Any) -> None:
    """Path 1,024, user agent 256, and nothing that acts on a terminal or turns the text around."""
    key, secret = owner.create_key("k")
    header = b"x-api-key: " + secret.encode()
    raw.get(owner.server.port, b"/api/" + b"p" * 3_000, header, b"user-agent: a\tb\x9b31m\xc2\x85" + b"u" * 2_000)
    [row] = _rows(owner, key, secret)
    assert len(row["path"]) == 1_024
    assert len(row["user_agent"]) == 256
    assert row["user_agent"].startswith("a\ufffdb\ufffd31m")


def test_what_looks_like_a_key_is_cut_before_it_is_stored(owner: Any) -> None:
    """Ours or a provider's, whole, in part or percent-encoded; in path, user agent and request id."""
    key, secret = owner.create_key("k")
    strange = [token.mint() for _ in range(4)]
    provider = "sk-ant-api03-Ab12Cd34Ef56Gh78Ij90"
    encoded = "".join(f"%{ord(letter):02x}" for letter in strange[0])
    for path, agent, request_id in (
        (f"/api/x/{encoded}", f"agent {strange[1]}", strange[2]),
        (f"/api/x/{strange[3][:30]}", f"agent {provider}", provider),
    ):
        owner.api(secret, headers={"user-agent": agent, "x-request-id": request_id}).get(path)
    rows = _rows(owner, key, secret)
    assert len(rows) == 2
    owner.server.stop()
    stored = b"".join(path.read_bytes() for path in owner.server.data_dir.iterdir() if path.is_file())
    told = (stored + owner.server.log_text().encode()).lower()
    for one in (*strange, provider):
        assert one[:11].lower().encode() not in told
        assert one[-16:].lower().encode() not in told
    assert encoded.encode() not in told
    assert any(row["path"] == f"/api/x/{strange[0][:10]}…" for row in rows)
    assert any(row["user_agent"] == f"agent {provider[:10]}…" for row in rows)
