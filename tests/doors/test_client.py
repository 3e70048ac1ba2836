"""``ari.client`` against a real server: every resource works, blocking and asynchronous; errors have their types."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from ari.client import (
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from tests.support.client_driver import ClientDriver, connect_client
from tests.support.ports import free_port

Connect = Callable[..., ClientDriver]


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, shared_owner: Any) -> Iterator[Connect]:
    """Makes clients of the shared server; they are closed after the test."""
    made: list[ClientDriver] = []

    def make(key: str | None = None, **options: Any) -> ClientDriver:
        made.append(connect_client(request.param, options.pop("url", shared_owner.url), key=key, **options))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def admin(connect: Connect, shared_owner: Any) -> ClientDriver:
    """A client whose key has all scopes."""
    return connect(shared_owner.create_key("client admin", scopes=["*"])[1])


def test_a_keys_life(admin: ClientDriver, connect: Connect) -> None:
    """Create, read, change, verify, rotate, revoke, delete; times are datetimes and facts are typed."""
    created = admin(lambda ari: ari.keys.create("Life", expires="90d", scopes=["api:read"], metadata={"plan": "pro"}))
    key_id = created.key.id
    assert created.key.expires_at > datetime.now(UTC)
    holder = connect(created.secret)
    assert holder(lambda ari: ari.me.get()).key.id == key_id
    assert admin(lambda ari: ari.keys.change(key_id, tags=["billing"], expires_at=None)).expires_at is None
    detail = admin(lambda ari: ari.keys.get(key_id))
    assert (detail.tags, detail.metadata, detail.secrets[0].number) == (["billing"], {"plan": "pro"}, 1)
    verdict = admin(lambda ari: ari.verify(created.secret, scopes=["api:read"]))
    assert (verdict.valid, verdict.code, verdict.key.name) == (True, "ok", "Life")
    rotated = admin(lambda ari: ari.keys.rotate(key_id, overlap="1h"))
    assert rotated.secret != created.secret
    assert [one.valid for one in admin(lambda ari: ari.verify_many([{"key": rotated.secret}, {"key": "x"}])).items] == [
        True,
        False,
    ]
    assert admin(lambda ari: ari.keys.revoke(key_id, reason="done")).status == "revoked"
    with pytest.raises(NotAuthenticated) as refused:
        holder(lambda ari: ari.me.get())
    assert (refused.value.status, refused.value.code) == (401, "revoked")
    assert admin(lambda ari: ari.keys.delete(key_id)) is None


def test_lists_are_iterated_over_all_pages(admin: ClientDriver) -> None:
    """A page is requested when it is needed, by the cursor of the one before."""
    names = {f"paged {number}" for number in range(5)}
    for name in names:
        admin(partial(_create_paged, name))
    listed = admin(lambda ari: ari.keys.list(tag="paged", page_size=2))
    assert {key.name for key in listed} >= names
    assert len({key.id for key in listed}) == len(listed)
    pages = admin(lambda ari: ari.keys.list(tag="paged", page_size=2).pages())
    assert len(pages) == -(-len(listed) // 2)
    assert pages[0].total == len(listed)


def _create_paged(name: str, client: Any) -> Any:
    return client.keys.create(name, tags=["paged"])


def test_resources_that_are_not_keys(admin: ClientDriver) -> None:
    """One operation of each resource, and what belongs together works together."""
    consumer = admin(lambda ari: ari.consumers.create("ACME", limits=[{"limit": 5, "window": "1h"}]))
    assert admin(lambda ari: ari.consumers.get(consumer.id)).limits[0].limit == 5
    admin(lambda ari: ari.consumers.delete(consumer.id))
    scope = f"parcels:{'read' if 'Async' in type(admin.client).__name__ else 'write'}"
    admin(lambda ari: ari.scopes.declare(scope, "Read & write parcels."))
    assert admin(lambda ari: ari.scopes.get(scope)).description == "Read & write parcels."
    assert scope in [one.name for one in admin(lambda ari: ari.scopes.list())]
    admin(lambda ari: ari.scopes.remove(scope, force=True))
    kind = admin(lambda ari: ari.kinds.add("parcels", "parcels_live_", scopes=["api:read"]))
    assert kind.name in [one.name for one in admin(lambda ari: ari.kinds.list())]
    admin(lambda ari: ari.kinds.remove(kind.name))
    admin(lambda ari: ari.presets.save("parcels", "Parcels", "Reads.", ["api:read"]))
    assert admin(lambda ari: ari.presets.get("parcels")).scopes == ["api:read"]
    admin(lambda ari: ari.presets.remove("parcels"))
    assert admin(lambda ari: ari.policy.get()).max_lifetime_days is None
    assert any(one.provider == "openai" for one in admin(lambda ari: ari.integrations.list()))
    assert admin(lambda ari: ari.notifications.list()).mail.on is False
    assert admin(lambda ari: ari.leaks.report("ari_k_made-up")).status == "received"
    assert admin(lambda ari: ari.events.list(name="consumer_created"))[0].detail["name"] == "ACME"
    assert admin(lambda ari: ari.apply(scopes={}, dry_run=True)).dry_run is True
    assert admin(lambda ari: ari.get_description())["openapi"].startswith("3.1")


def test_the_usage_log(admin: ClientDriver, connect: Connect) -> None:
    """Rows, summaries, and exports as they are written: CSV and JSON, in bytes or in lines."""
    created = admin(lambda ari: ari.keys.create("Logged"))
    connect(created.secret)(lambda ari: ari.me.get())
    rows = admin(lambda ari: ari.keys.list_usage(created.key.id))
    assert [(row.method, row.route, row.status) for row in rows] == [("GET", "/api/me", 200)]
    assert rows[0].user_agent.startswith("ari-client/")
    assert admin(lambda ari: ari.keys.summarize_usage(created.key.id, by="hour")).request_count == 1
    assert admin(lambda ari: ari.usage.summarize()).request_count > 0
    lines = admin(lambda ari: ari.keys.export_usage(created.key.id, format="csv").lines())
    assert [row["id"] for row in csv.DictReader(lines)] == [rows[0].id]
    chunks = admin(lambda ari: ari.usage.export(key_id=created.key.id, format="json"))
    assert [row["id"] for row in json.loads(b"".join(chunks))] == [rows[0].id]
    events = admin(lambda ari: ari.events.export(subject=created.key.id, format="jsonl").lines())
    assert json.loads(events[-1])["name"] == "key_created"


def test_each_refusal_has_its_exception(admin: ClientDriver, connect: Connect) -> None:
    """With the code, the fields and the scope of the problem document."""
    narrow = connect(admin(lambda ari: ari.keys.create("Narrow", scopes=["api:read"])).secret)
    with pytest.raises(PermissionDenied) as denied:
        narrow(lambda ari: ari.keys.list())
    assert (denied.value.code, denied.value.scope) == ("insufficient_scope", "keys:read")
    assert denied.value.request_id
    with pytest.raises(NotFound):
        admin(lambda ari: ari.keys.get("key_00000000000000000000000000"))
    with pytest.raises(InvalidRequest) as invalid:
        admin(lambda ari: ari.keys.create(""))
    assert {problem.location for problem in invalid.value.problems} >= {"name"}
    active = admin(lambda ari: ari.keys.create("Active")).key.id
    with pytest.raises(Conflict) as conflict:
        admin(lambda ari: ari.keys.delete(active))
    assert conflict.value.code == "key_active"
    busy = admin(lambda ari: ari.keys.create("Busy", limits=[{"limit": 1, "window": "1h"}])).secret
    calls = connect(busy)
    calls(lambda ari: ari.me.get())
    with pytest.raises(RateLimited) as limited:
        calls(lambda ari: ari.me.get())
    assert limited.value.retry_after_seconds
    assert limited.value.limit == "default"


def test_a_repeated_create_makes_one_key(admin: ClientDriver) -> None:
    """With the same idempotency key the second call returns what the first did."""
    first, second = (admin(lambda ari: ari.keys.create("Once", idempotency_key="one-2027")) for _ in range(2))
    assert (first.key.id, first.secret) == (second.key.id, second.secret)
    assert admin(lambda ari: ari.keys.create("Once")).key.id != first.key.id


def test_without_a_server_it_is_unavailable(connect: Connect) -> None:
    """Never a yes: no response is an exception, also for a verification."""
    nobody = connect("ari_k_x", url=f"http://127.0.0.1:{free_port()}", retries=0)
    with pytest.raises(ConnectionFailed) as failed:
        nobody(lambda ari: ari.verify("ari_k_y"))
    assert isinstance(failed.value, Unavailable)
    assert failed.value.status == 0


def test_health_needs_no_key(connect: Connect) -> None:
    """A probe has no secret."""
    assert connect(None)(lambda ari: ari.health.check()).status == "ok"
