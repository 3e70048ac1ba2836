"""``GET /api/keys``: filters, orders, pages and totals."""

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
