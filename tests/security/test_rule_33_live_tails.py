"""security.md 33: at most ten live tails a session, in all processes together."""

from typing import Any

import pytest

from ari.usage.live_tails import LEASE_MS, MAX_TAILS
from tests.support.owner import csrf_of


@pytest.fixture
def owner(make_owner: Any) -> Any:
    return make_owner(workers=2)


def test_ten_live_tails_and_no_more(owner: Any) -> None:
    """The eleventh is refused until one ends, or its browser is gone for a minute; other sessions have their own."""
    key, secret = owner.create_key("Tailed")
    session, other = owner.session(), owner.session()
    place = f"/settings/keys/{key['id']}/tail"
    proofs = {client: {"csrf": csrf_of(client.get("/settings/usage").text)} for client in (session, other)}

    def begin(client: Any, **fields: str) -> Any:
        return client.post(place, data={**proofs[client], **fields})

    leases = [begin(session).json()["lease"] for _ in range(MAX_TAILS)]
    assert len(set(leases)) == MAX_TAILS
    refused = begin(session)
    assert refused.status_code == 429
    assert "Live view is limited to 10 open tabs." in refused.text
    assert begin(other).status_code == 200
    renewed = begin(session, lease=leases[0]).json()["lease"]
    assert begin(session).status_code == 429
    begin(session, lease=leases[1], end="1")
    assert begin(session).status_code == 200
    assert begin(session).status_code == 429

    owner.api(secret).get("/api/me")
    for lease, status in ((renewed, 200), (leases[0], 409), (leases[1], 409), ("", 409), ("x", 409)):
        answer = session.get(place, params={"lease": lease})
        assert answer.status_code == status
        assert ("/api/me" in answer.text) == (status == 200)
    assert other.get(place, params={"lease": renewed}).status_code == 409, "a lease is its session's"

    owner.server.clock.advance(LEASE_MS / 1000 + 1)
    assert session.get(place, params={"lease": renewed}).status_code == 409
    assert begin(session).status_code == 200


def test_a_tail_needs_a_session_and_the_proof(shared_owner: Any) -> None:
    """A page of somebody else cannot begin one, and nothing is read without signing in."""
    key, secret = shared_owner.create_key("Not tailed")
    place = f"/settings/keys/{key['id']}/tail"
    assert shared_owner.api().get(place).status_code == 303
    assert shared_owner.api().post(place, data={}).status_code == 403
    assert shared_owner.api(secret).get(place).status_code == 403
