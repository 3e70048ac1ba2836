"""Limits and credits over the API, on both databases: enforced, shown, changed, reset and topped up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.keys import Created
from tests.support.app import App, content_of, running_app
from tests.support.commands import change_key, create_key

MINUTE = {"name": "default", "limit": 3, "window": "31d"}


@pytest.fixture
def app(data_dir: Path, database_url: str | None) -> Iterator[App]:
    with running_app(data_dir, database_url) as found:
        yield found


@pytest.fixture
def admin(app: App) -> str:
    return app.key("*", name="admin")


def create_limited(app: App, *scopes: str, **more: Any) -> Created:
    return create_key(app.instance, "limited", scopes=scopes or ("*",), limits=[MINUTE], **more)


def read_remaining(app: App, admin: str, made: Created) -> dict[str, int]:
    found = content_of(app("GET", f"/api/keys/{made.key.id}", admin))["remaining"]
    return {one["name"]: one["remaining"] for one in found}


def test_a_safe_request_is_refused_in_place_of_its_response(app: App, admin: str) -> None:
    """Exactly as many as the limit, with the headers of the draft; the log and the counter agree."""
    made = create_limited(app)
    answers = [app("GET", "/api/me", made.secret) for _ in range(5)]
    assert [one.status for one in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=2678400'
    assert answers[0].headers["ratelimit"].startswith('"default";r=2;t=')
    refused = answers[3]
    problem = content_of(refused)
    assert (problem["code"], problem["limit"], problem["status"]) == ("rate_limited", "default", 429)
    assert refused.headers["ratelimit"] == f'"default";r=0;t={refused.headers["retry-after"]}'
    assert problem["detail"].startswith("Rate limit “default” (3 requests per 31 days) is used up. Retry in ")
    assert "me" not in problem
    assert read_remaining(app, admin, made) == {"default": 0}
    codes = [(row.code, row.status, row.consumed) for row in app.rows() if row.key_id == made.key.id]
    assert sorted(codes, key=str) == sorted(
        [("ok", 200, '{"default":1}')] * 3 + [("rate_limited", 429, None)] * 2, key=str
    )


def test_an_unsafe_request_is_refused_before_it_acts(app: App, admin: str) -> None:
    """Nothing is changed by it."""
    made = create_limited(app)
    for _ in range(3):
        app("GET", "/api/me", made.secret)
    refused = app("PATCH", f"/api/keys/{made.key.id}", made.secret, {"name": "changed"})
    assert refused.status == 429
    assert content_of(app("GET", f"/api/keys/{made.key.id}", admin))["name"] == "limited"


def test_a_request_that_is_refused_anyway_consumes_nothing(app: App, admin: str) -> None:
    """A missing scope costs no unit; an unknown path does, as the key was used."""
    made = create_limited(app, "api:read")
    assert app("GET", "/api/keys", made.secret).status == 403
    assert read_remaining(app, admin, made) == {"default": 3}
    assert app("GET", "/api/nothing", made.secret).status == 404
    assert read_remaining(app, admin, made) == {"default": 2}


def test_credits_end_without_a_time_to_retry(app: App, admin: str) -> None:
    """A top-up makes the key work again; repeating the top-up adds nothing."""
    made = create_key(app.instance, "paid", credits={"amount": 1})
    assert [app("GET", "/api/me", made.secret).status for _ in range(2)] == [200, 429]
    refused = app("GET", "/api/me", made.secret)
    assert content_of(refused)["code"] == "credits_exhausted"
    assert "retry-after" not in refused.headers
    for _ in range(2):
        added = app(
            "POST", f"/api/keys/{made.key.id}/credits/add", admin, {"amount": 2}, idempotency_key="one-and-the-same"
        )
        assert (added.status, content_of(added)) == (201, {"granted": 3, "refill": None})
    assert [app("GET", "/api/me", made.secret).status for _ in range(3)] == [200, 200, 429]
    assert app.events().count("key_credits_added") == 1


def test_a_reset_counts_from_nothing(app: App, admin: str) -> None:
    """The next request is decided without what was used."""
    made = create_limited(app)
    assert [app("GET", "/api/me", made.secret).status for _ in range(4)][-1] == 429
    reset = app("POST", f"/api/keys/{made.key.id}/limits/reset", admin, {"limits": ["default"]})
    assert content_of(reset)["remaining"][0]["remaining"] == 3
    assert app("GET", "/api/me", made.secret).status == 200
    assert app("POST", f"/api/keys/{made.key.id}/limits/reset", admin, {"limits": ["other"]}).status == 422
    assert app("POST", f"/api/keys/{made.key.id}/limits/reset", made.secret).status == 403


def test_limits_are_set_on_create_and_change(app: App, admin: str) -> None:
    """And returned as they were set; every bound has a clear problem."""
    refill = {"amount": 5, "every": "month", "hour": 4, "time_zone": "Asia/Kathmandu"}
    body = {"name": "n", "scopes": ["api:read"], "limits": [MINUTE], "credits": {"amount": 7, "refill": refill}}
    made = content_of(app("POST", "/api/keys", admin, body))["key"]
    assert (made["limits"], made["credits"]) == ([MINUTE], {"granted": 7, "refill": refill})
    path = f"/api/keys/{made['id']}"
    changed = content_of(app("PATCH", path, admin, {"limits": [], "credits": {"refill": None}}))
    assert (changed["limits"], changed["credits"]) == ([], {"granted": 7, "refill": None})
    assert content_of(app("PATCH", path, admin, {"credits": None}))["credits"] is None
    for bad, location in (
        ({"limits": [MINUTE, MINUTE]}, "limits.1.name"),
        ({"limits": [MINUTE | {"window": "32d"}]}, "limits.0.window"),
        ({"limits": [MINUTE | {"limit": 0}]}, "limits.0.limit"),
        ({"limits": [MINUTE | {"name": "credits"}]}, "limits.0.name"),
        ({"limits": None}, "limits"),
        ({"credits": {"refill": refill}}, "credits.amount"),
        ({"credits": {"amount": 1, "refill": refill | {"time_zone": "Mars"}}}, "credits.refill.time_zone"),
    ):
        answer = app("PATCH", path, admin, bad)
        assert answer.status == 422, bad
        assert [one["location"] for one in content_of(answer)["errors"]] == [location]


def test_a_service_verifies_and_charges(app: App) -> None:
    """The cost, the named limits, and what remains; a name that the key lacks is invalid."""
    service = app.key("keys:verify", name="service")
    made = create_key(app.instance, "customer", limits=[MINUTE, MINUTE | {"name": "heavy", "limit": 10}])

    def verify(**more: Any) -> Any:
        return content_of(app("POST", "/api/verify", service, {"key": made.secret, **more}))

    first = verify(cost=2)
    assert (first["valid"], first["exceeded"]) == (True, None)
    assert [(one["name"], one["remaining"]) for one in first["limits"]] == [("default", 1), ("heavy", 8)]
    refused = verify(cost=2)
    assert (refused["valid"], refused["code"], refused["exceeded"]) == (False, "rate_limited", "default")
    assert refused["retry_after_seconds"] > 0
    assert [one["remaining"] for one in refused["limits"]] == [1, 8]
    heavy = verify(cost=8, limits=["heavy"])
    assert [one["remaining"] for one in heavy["limits"]] == [1, 0]
    assert verify(cost=0)["valid"] is True
    assert verify(cost=11, limits=["heavy"])["retry_after_seconds"] is None
    unknown = app("POST", "/api/verify", service, {"key": made.secret, "limits": ["other"]})
    assert unknown.status == 422
    assert content_of(unknown)["errors"][0]["location"] == "limits.0"
    for bad in ({"cost": -1}, {"cost": 1_000_001}, {"cost": True}, {"cost": 1.5}, {"limits": ["A"]}):
        assert app("POST", "/api/verify", service, {"key": made.secret, **bad}).status == 422
    rows = [row for row in app.rows() if row.key_id == made.key.id]
    assert {(row.source, row.status) for row in rows} == {("verify", 200)}
    assert sorted(row.code for row in rows) == ["ok", "ok", "ok", "rate_limited", "rate_limited"]


def test_a_batch_is_decided_in_order(app: App) -> None:
    """Each item consumes for itself; one that names an unknown limit harms no other."""
    service = app.key("keys:verify", name="service")
    made = create_limited(app)
    item = {"key": made.secret, "cost": 2}
    body = {"items": [item, item, item | {"cost": 1}, item | {"limits": ["other"]}, {"key": service}]}
    found = content_of(app("POST", "/api/verify/batch", service, body))["items"]
    assert [one["code"] for one in found] == ["ok", "rate_limited", "ok", "invalid", "ok"]


def test_a_limited_service_is_refused_before_it_charges_others(app: App, admin: str) -> None:
    """Its own limit is decided first: the customer's key consumes nothing."""
    service = create_key(app.instance, "service", scopes=("keys:verify",), limits=[MINUTE | {"limit": 1}])
    made = create_limited(app)
    statuses = [app("POST", "/api/verify", service.secret, {"key": made.secret}).status for _ in range(2)]
    assert statuses == [200, 429]
    assert read_remaining(app, admin, made) == {"default": 2}


def test_a_change_reaches_the_next_request(app: App) -> None:
    """Removed limits are gone; a lower limit counts what was used."""
    made = create_limited(app)
    for _ in range(2):
        app("GET", "/api/me", made.secret)
    change_key(app.instance, made.key, limits=[MINUTE | {"limit": 2}])
    assert app("GET", "/api/me", made.secret).status == 429
    change_key(app.instance, made.key, limits=[])
    answer = app("GET", "/api/me", made.secret)
    assert (answer.status, "ratelimit" in answer.headers) == (200, False)


def test_the_keys_of_a_consumer_share_its_limits(app: App, admin: str) -> None:
    """Set, shown, reset and topped up by its own ID or the operator's; what one key uses, the other lacks."""
    body = {"name": "Acme", "external_id": "acme", "limits": [MINUTE], "credits": {"amount": 5}}
    acme = content_of(app("POST", "/api/consumers", admin, body))
    assert (acme["limits"], acme["credits"]) == ([MINUTE], {"granted": 5, "refill": None})
    one, two = (create_key(app.instance, name, consumer="acme") for name in ("one", "two"))
    statuses = [app("GET", "/api/me", made.secret).status for made in (one, two, one, two)]
    assert statuses == [200, 200, 200, 429]
    service = app.key("keys:verify", name="service")
    for names, status in ((["default"], 422), (["consumer:other"], 422), (["consumer:credits"], 200)):
        sent = {"key": two.secret, "cost": 0, "limits": names}
        assert app("POST", "/api/verify", service, sent).status == status
    refused = app("GET", "/api/me", two.secret)
    assert content_of(refused)["limit"] == "consumer:default"
    assert '"consumer:credits";r=2' in refused.headers["ratelimit"]

    def parse_remaining(answer: Any) -> dict[str, int]:
        return {one["name"]: one["remaining"] for one in content_of(answer)["remaining"]}

    assert parse_remaining(app("GET", "/api/consumers/acme", admin)) == {"default": 0, "credits": 2}
    assert parse_remaining(app("POST", "/api/consumers/acme/limits/reset", admin)) == {"default": 3, "credits": 2}
    for _ in range(2):
        added = app("POST", "/api/consumers/acme/credits/add", admin, {"amount": 4}, idempotency_key="same")
        assert content_of(added)["granted"] == 9
    assert app("GET", "/api/me", two.secret).status == 200
    changed = content_of(app("PATCH", "/api/consumers/acme", admin, {"limits": [], "credits": None}))
    assert (changed["limits"], changed["credits"]) == ([], None)
    assert "ratelimit" not in app("GET", "/api/me", two.secret).headers
