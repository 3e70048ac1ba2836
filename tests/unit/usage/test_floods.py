from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.usage.floods import (
    MAX_ADDRESSES_PER_MINUTE,
    MAX_LISTED_PER_MINUTE,
    MAX_ROUTES_PER_HOUR,
    OTHER_ROUTES,
    AttemptAddresses,
    RefusalFlood,
    ServiceRoutes,
)
from ari.usage.model import MANY, OTHER_ADDRESSES, UsageRow
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

NOW = START_MS - START_MS % MINUTE_MS


def refuse(flood: RefusalFlood, now_ms: int = NOW, key_id: str = KEY, code: str = "revoked") -> UsageRow:
    return flood.row_for(make_row(now_ms, key_id=key_id, code=code, status=401, path="/secret"), now_ms, list_it=True)


def test_the_first_refusals_of_a_minute_are_rows_of_their_own() -> None:
    """Whatever their codes, 60 in all for one key; another key has its own 60."""
    flood = RefusalFlood()
    for n in range(MAX_LISTED_PER_MINUTE):
        assert refuse(flood, code=("revoked", "expired")[n % 2]).path == "/secret"
    assert refuse(flood).path == MANY
    assert refuse(flood, key_id=OTHER_KEY).path == "/secret"


def test_the_rest_becomes_one_row_a_code() -> None:
    """It keeps its id, counts on, and holds no single caller's texts."""
    flood = RefusalFlood()
    for _ in range(MAX_LISTED_PER_MINUTE):
        refuse(flood)
    first, other, second = refuse(flood), refuse(flood, code="expired"), refuse(flood)
    assert (first.id, first.count, second.count, other.count) == (second.id, 1, 2, 1)
    assert other.id != first.id
    assert (second.key_id, second.code, second.status, second.at_ms) == (KEY, "revoked", 401, NOW)
    assert (second.route, second.path, second.method, second.client_address, second.user_agent) == (
        MANY,
        MANY,
        MANY,
        None,
        None,
    )


def test_each_minute_begins_again() -> None:
    """Rows again, and then another counted row."""
    flood = RefusalFlood()
    counted = [[refuse(flood, NOW + n * MINUTE_MS) for _ in range(MAX_LISTED_PER_MINUTE + 1)][-1] for n in range(2)]
    assert counted[0].id != counted[1].id
    assert [row.at_ms for row in counted] == [NOW, NOW + MINUTE_MS]


def test_memory_is_bounded_whatever_comes_and_every_refusal_counts() -> None:
    """A flood with more keys than are remembered costs rows, never counts."""
    flood = RefusalFlood()
    latest = {}
    for n in range(30_000):
        row = flood.row_for(make_row(NOW, key_id=f"key_{n % 15_000}", code="revoked"), NOW, list_it=False)
        latest[row.id] = row
    assert len(latest) == 30_000, "no key may be remembered until 15,000 others came"
    assert sum(row.count for row in latest.values()) == 30_000


def test_at_most_so_many_addresses_are_distinguished() -> None:
    """The rest of the minute shares one bucket; those known stay known."""
    addresses = AttemptAddresses()
    for n in range(MAX_ADDRESSES_PER_MINUTE):
        assert addresses.bucket_for(f"a{n}", NOW) == f"a{n}"
    assert addresses.bucket_for("new", NOW + 1) == OTHER_ADDRESSES
    assert addresses.bucket_for("a0", NOW + 1) == "a0"
    assert addresses.bucket_for("newer", NOW + 1) == OTHER_ADDRESSES
    assert addresses.bucket_for("new", NOW + MINUTE_MS) == "new"


def test_routes_of_services_are_bounded_per_hour() -> None:
    """A service that reports paths instead of templates can't fill the counters, which are kept forever."""
    routes = ServiceRoutes()
    names = {routes.name_for(f"/orders/{n}", 0) for n in range(MAX_ROUTES_PER_HOUR + 5)}
    assert len(names) == MAX_ROUTES_PER_HOUR + 1
    assert routes.name_for("/orders/0", 1) == "/orders/0"
    assert routes.name_for("/new", 1) == OTHER_ROUTES
    assert routes.name_for("/new", HOUR_MS) == "/new"
    assert routes.name_for("/\x00a" + "b" * 300, HOUR_MS) == "/\ufffda" + "b" * 197
