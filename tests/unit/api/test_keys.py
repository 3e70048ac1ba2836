"""``GET /api/keys``: filters, orders, pages and totals."""

from typing import Any

import pytest

from tests.support.app import App, content_of


@pytest.fixture
def reader(app: App) -> str:
    """A key that reads keys; five others belong to a consumer, with tags and environments."""
    root = app.key("*", name="root")
    content_of(app("POST", "/api/consumers", root, {"name": "Acme", "external_id": "x"}))
    for number in range(5):
        body = {"name": f"n{4 - number}", "consumer": "x", "tags": ["odd" if number % 2 else "even"]}
        app("POST", "/api/keys", root, body | {"environment": "test" if number == 4 else "live"})
    app("POST", "/api/keys", root, {"name": "other"})
    return app.key("keys:read", name="reader")


def _names(app: App, reader: str, query: str) -> list[str]:
    return [key["name"] for key in content_of(app("GET", f"/api/keys?{query}", reader))["items"]]


def test_filters_apply_together(app: App, reader: str) -> None:
    """And the total is of all pages, on the first."""
    assert _names(app, reader, "consumer=x") == ["n0", "n1", "n2", "n3", "n4"]
    assert _names(app, reader, "consumer=x&tag=odd&sort=name") == ["n1", "n3"]
    assert _names(app, reader, "tag=even&environment=test") == ["n0"]
    assert _names(app, reader, "text=OTH&status=active&show=active") == ["other"]
    assert _names(app, reader, "tag=even&status=inactive") == []
    assert content_of(app("GET", "/api/keys?consumer=x&limit=2", reader))["total"] == 5
    assert content_of(app("GET", "/api/keys?show=never-used", reader))["total"] is None


@pytest.mark.parametrize("by", ["name", "created", "used", "expires", "requests"])
def test_every_order_pages_through_all_keys(app: App, reader: str, by: str) -> None:
    """Both ways, whole and without repetition; the cursor of one order is refused by another."""
    for sort in (by, f"-{by}"):
        list_url = f"/api/keys?consumer=x&sort={sort}"
        whole = content_of(app("GET", list_url, reader))
        assert (whole["total"], whole["next_cursor"]) == (5, None)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = content_of(app("GET", f"{list_url}&limit=2{cursor and '&cursor=' + cursor}", reader))
            assert page["total"] == (None if cursor else 5)
            found += [key["id"] for key in page["items"]]
            cursor = page["next_cursor"]
            other = "name" if by != "name" else "used"
            assert cursor is None or app("GET", f"/api/keys?sort={other}&cursor={cursor}", reader).status == 422
        assert found == [key["id"] for key in whole["items"]]


@pytest.mark.parametrize(
    "query",
    [
        "consumer=nobody",
        "consumer=%C3%A9",
        "tag=No%20Tag",
        "environment=dev",
        "sort=size",
        "show=x",
        "text=%7F",
        "cursor=x",
    ],
)
def test_bad_filters_are_refused(app: App, reader: str, query: str) -> None:
    """With the field that is wrong."""
    refused = app("GET", f"/api/keys?{query}", reader)
    assert refused.status == 422
    [problem] = content_of(refused)["errors"]
    assert problem["location"].endswith(query.partition("=")[0])


WRONG = {
    "name": "",
    "expires_at": "tomorrow",
    "scopes": ["nope:read", "no:scope"],
    "limits": [{"name": "Bad", "limit": 0, "window": "1x"}],
    "credits": {"amount": -1, "refill": {"amount": 1, "every": "week", "hour": 24, "time_zone": "Mars"}},
    "environment": "staging",
    "consumer": "nobody",
    "tags": ["No Tag", "ok", "also no"],
    "metadata": {"n": 2**60},
    "addresses": ["x", "10.0.0.0/8", "y"],
}
PLACES = [
    *("name", "scopes", "expires_at", "environment", "tags", "tags", "metadata", "addresses", "addresses"),
    *(f"limits.0.{field}" for field in ("name", "limit", "window")),
    *(f"credits.{field}" for field in ("amount", "refill.every", "refill.hour", "refill.time_zone")),
    "consumer",
]


def _places(answer: Any) -> list[str]:
    assert answer.status == 422
    return sorted(error["location"] for error in content_of(answer)["errors"])


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "x"}])
def test_all_problems_of_a_new_key_are_named_at_once(app: App, headers: dict[str, str]) -> None:
    """Whichever check finds them; nothing is created."""
    root = app.key("*", name="root")
    found = app("POST", "/api/keys", root, WRONG | {"kind": "none"}, **headers)
    assert _places(found) == sorted([*PLACES, "kind"])
    assert "“no:scope”, “nope:read”" in found.body.decode()
    assert _names(app, root, "") == ["root"]


def test_all_problems_of_a_change_are_named_at_once(app: App) -> None:
    """Fields that can't be null are named with them; the key stays as it is."""
    root = app.key("*", name="root")
    [before] = content_of(app("GET", "/api/keys", root))["items"]
    path = f"/api/keys/{before['id']}"
    assert _places(app("PATCH", path, root, WRONG)) == sorted(PLACES)
    nulls = {"name": None, "disabled": None, "tags": ["No Tag"], "expires_at": "tomorrow"}
    assert _places(app("PATCH", path, root, nulls)) == ["disabled", "expires_at", "name", "tags"]
    [after] = content_of(app("GET", "/api/keys", root))["items"]
    assert {name: after[name] for name in WRONG} == {name: before[name] for name in WRONG}


def test_what_looks_like_a_key_is_not_repeated(app: App) -> None:
    """Pasted into the wrong field, it stays out of the error (security.md 7)."""
    root = app.key("*", name="root")
    for field in ("tags", "addresses", "scopes", "limits", "consumer", "kind", "environment"):
        value = [{"name": root, "limit": 1, "window": root}] if field == "limits" else [root]
        sent = value if field in ("tags", "addresses", "scopes", "limits") else root
        answer = app("POST", "/api/keys", root, {"name": "n", field: sent})
        assert answer.status == 422
        assert root[:20] not in answer.body.decode()


def test_the_models_of_a_key_are_set_and_removed(app: App) -> None:
    """Both lists at once; `null` allows all models again, and leaving them out changes nothing."""
    root = app.key("*")
    made = content_of(app("POST", "/api/keys", root, {"name": "a", "models": {"allow": ["OpenAI/*"]}}))["key"]
    assert made["models"] == {"allow": ["openai/*"], "deny": []}
    path = f"/api/keys/{made['id']}"
    changes: tuple[tuple[dict[str, Any], Any], ...] = (
        ({"name": "b"}, {"allow": ["openai/*"], "deny": []}),
        ({"models": {"deny": ["x"]}}, {"allow": [], "deny": ["x"]}),
        ({"models": None}, None),
    )
    for change, expected in changes:
        assert content_of(app("PATCH", path, root, change))["models"] == expected
    refused = app("PATCH", path, root, {"models": {"allow": ["/x", " "]}})
    assert [one["location"] for one in content_of(refused)["errors"]] == ["models", "models"]
