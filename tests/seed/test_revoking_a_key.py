"""The seed's section "Revoking a Key"."""

import fcntl
import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.seed.conftest import Pages, get


def test_click_the_trash_icon_next_to_the_key_and_confirm(pages: Pages) -> None:
    """ "To revoke a key, go to Settings > API, click the trash icon next to the key, and confirm"."""
    key_id, secret = pages.create("trashed")
    row = pages.row("trashed")
    assert f'href="/settings/keys/{key_id}/revoke"' in row
    assert "trash" in row
    question = pages.client.get(f"/settings/keys/{key_id}/revoke").text
    assert "trashed" in question
    assert key_id in question
    assert get(pages, secret).status_code == 200
    assert pages.act(key_id, "revoke").status_code in (200, 204, 303)
    assert re.search(r"Inactive\s*·\s*</span>Revoked", pages.row("trashed"))


def test_the_key_stops_working_immediately_on_the_next_request(pages: Pages) -> None:
    """ "The key stops working immediately on the next request", "getting 401 Unauthorized responses"."""
    key_id, secret = pages.create("stops")
    client = pages.owner.api(secret)
    assert client.get("/api/me").status_code == 200
    pages.act(key_id, "revoke")
    answer = client.get("/api/me")
    assert (answer.status_code, answer.reason_phrase) == (401, "Unauthorized")
    assert answer.json()["code"] == "revoked"


def test_this_is_permanent_and_cannot_be_undone(pages: Pages) -> None:
    """ "This is permanent and can't be undone": by page, API and command line."""
    key_id, secret = pages.create("stays dead")
    pages.act(key_id, "revoke")
    _, admin = pages.create("admin", access="administrator")
    for change in ({"disabled": False}, {"expires_at": None}, {"name": "alive"}):
        answer = pages.owner.api(admin).patch(f"/api/keys/{key_id}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "key_inactive")
    assert pages.owner.cli("keys", "enable", key_id).returncode == 1
    pages.owner.server.clock.advance(-3600)
    assert get(pages, secret).status_code == 401
    pages.owner.server.clock.advance(3600)
    pages.client = pages.owner.session()


def test_existing_requests_already_in_flight_will_complete(pages: Pages) -> None:
    """ "Existing requests already in flight will complete, but any new request will fail".

    A lock on the inbox of the log holds a request that was let in; the key is revoked; then the lock is released.
    """
    key_id, secret = pages.create("in flight")
    lock = pages.owner.server.data_dir / "staging.lock"
    with lock.open("rb+") as held, ThreadPoolExecutor() as threads:
        fcntl.flock(held, fcntl.LOCK_EX)
        in_flight = threads.submit(get, pages, secret, "/api/me")
        _wait_for_somebody_at(lock)
        pages.owner.cli("keys", "revoke", "--yes", key_id, check=True)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert in_flight.result().status_code == 200
    assert get(pages, secret, "/api/me").status_code == 401


def _wait_for_somebody_at(lock: Path) -> None:
    """Until the kernel lists somebody waiting for this file's lock; the wait is bounded by usage_wait_seconds."""
    waiting = re.compile(rf"-> FLOCK .*:{lock.stat().st_ino} ")
    deadline = time.monotonic() + 4
    while not waiting.search(Path("/proc/locks").read_text()):
        assert time.monotonic() < deadline, "the request did not come as far as its usage row"
        time.sleep(0.01)


def test_a_slow_request_of_a_key_revoked_since_changes_nothing(pages: Pages) -> None:
    """Its head came before the revoke, its body after: the command finds its caller dead."""
    key_id, secret = pages.create("slow", access="administrator")
    target_id, _ = pages.create("target of the slow request")
    body = b"{}"
    late = http.client.HTTPConnection("127.0.0.1", pages.owner.server.port, timeout=30)
    late.putrequest("POST", f"/api/keys/{target_id}/revoke")
    for name, value in (
        ("x-api-key", secret),
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
    ):
        late.putheader(name, value)
    late.endheaders()
    pages.owner.cli("keys", "revoke", "--yes", key_id, check=True)
    late.send(body)
    assert late.getresponse().status == 401
    late.close()
    _, admin = pages.create("reader of the target", access="administrator")
    assert pages.owner.api(admin).get(f"/api/keys/{target_id}").json()["status"] == "active"


def test_revoke_any_key_you_suspect_has_been_exposed(pages: Pages) -> None:
    """ "revoke any key you suspect has been exposed": the reason is kept for the audit log."""
    key_id, _ = pages.create("leaked")
    pages.act(key_id, "revoke", reason="committed to git")
    _, admin = pages.create("reader", access="administrator")
    [event, _] = get(pages, admin, f"/api/events?subject={key_id}").json()["items"]
    assert (event["name"], event["detail"]["reason"]) == ("key_revoked", "committed to git")
