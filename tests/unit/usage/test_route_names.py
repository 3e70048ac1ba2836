"""Security.md 20: the routes that are counted forever stay few, whatever paths the clients of a proxy send."""

import pytest

from ari.usage.route_names import MAX_ROUTES, MAX_ROUTES_OF_KEY, OTHER_ROUTES, RouteNames, shorten


@pytest.mark.parametrize(
    ("path", "count", "route"),
    [
        ("/", 2, "/"),
        ("/orders", 2, "/orders"),
        ("/orders/", 2, "/orders/"),
        ("/orders/1234", 2, "/orders/{id}"),
        ("/orders/1234/items/5", 2, "/orders/{id}/*"),
        ("/api/v1/orders", 3, "/api/v1/orders"),
        ("/oauth2/token", 2, "/oauth2/token"),
        ("/orders/5f0c1e7a-9f7b-4c1d-8a53-0d9c3a2b1f6e", 2, "/orders/{id}"),
        ("/caf%C3%A9/menu", 2, "/{id}/menu"),
        ("/" + "a" * 40, 2, "/{id}"),
        ("/ari_k_" + "A1" * 24, 2, "/{id}"),
        ("/a\u202eb/\x00", 2, "/{id}/{id}"),
        ("//orders", 2, "//orders"),
        ("*", 2, "*"),
        ("", 2, ""),
        ("/orders/1", 0, "/*"),
        ("/orders/1", 1, "/orders/*"),
        ("/users/alice", 2, "/users/alice"),
        ("/users/alice", 1, "/users/*"),
        ("/api/v1/orders/7", 1, "/api/v1/orders/*"),
        ("/api/v1/orders", 0, "/api/v1/*"),
        ("/v2/orders/7/items", 2, "/v2/orders/{id}/*"),
        ("/api", 1, "/api"),
        ("/v1/", 1, "/v1/"),
        ("/apis/x", 1, "/apis/*"),
        ("/api/api/v1/v1/x", 1, "/api/api/*"),
        ("/v1234/x", 1, "/{id}/*"),
    ],
)
def test_a_route_is_the_first_segments_without_values(path: str, count: int, route: str) -> None:
    """IDs, encoded text and anything long are values."""
    assert shorten(path, count) == route


def test_a_list_of_routes_is_all_that_is_ever_logged() -> None:
    """The most literal one wins, as in routers; a refused request has a route too."""
    names = RouteNames(("/", "/orders", "/orders/{id}", "/orders/new", "/files/*", "/{tenant}/report"))
    found = {
        path: names.name(path, "key_1", is_accepted=False)
        for path in ("/", "/orders", "/orders/7", "/orders/new", "/orders/7/x", "/files/a/b", "/files", "/acme/report")
    }
    assert found == {
        "/": "/",
        "/orders": "/orders",
        "/orders/7": "/orders/{id}",
        "/orders/new": "/orders/new",
        "/orders/7/x": OTHER_ROUTES,
        "/files/a/b": "/files/*",
        "/files": OTHER_ROUTES,
        "/acme/report": "/{tenant}/report",
    }
    assert names.name("/orders/", "key_1", is_accepted=True) == OTHER_ROUTES
    assert names.name("/" * 30_000, "key_1", is_accepted=True) == OTHER_ROUTES


def test_only_accepted_requests_make_new_routes() -> None:
    """A revoked key or one without the scope can't fill the report with words; it sees what others made."""
    names = RouteNames(2)
    assert names.name("/orders", "key_1", is_accepted=False) == OTHER_ROUTES
    assert names.name("/orders", "key_1", is_accepted=True) == "/orders"
    assert names.name("/orders", "key_2", is_accepted=False) == "/orders"


def test_one_key_cannot_take_the_room_of_the_others() -> None:
    """Nor can all keys together make more routes than there is room for, however long they try."""
    names = RouteNames(2)
    words = [f"/{first}{second}" for first in map(chr, range(97, 123)) for second in map(chr, range(97, 123))]
    made = {names.name(f"{word}/x", "key_1", is_accepted=True) for word in words}
    assert len(made) == MAX_ROUTES_OF_KEY + 1
    assert names.name("/orders", "key_2", is_accepted=True) == "/orders"
    for number in range(3, 30):
        made |= {names.name(f"{word}/{chr(94 + number)}", f"key_{number}", is_accepted=True) for word in words}
    assert MAX_ROUTES - 1 <= len(made) <= MAX_ROUTES
    assert names.name("/zz/late", "key_40", is_accepted=True) == OTHER_ROUTES
    assert names.name("/orders", "key_40", is_accepted=False) == "/orders"
    assert names.name("/aa/x", "key_1", is_accepted=True) == "/aa/x"
