"""Lists of keys: who is in which list, and that a search takes text as it is."""

import pytest

from ari.base.clock import DAY_MS
from ari.instance import Instance
from ari.keys.listing import Cursor, KeyCounts, KeyFilter, Order, Show
from ari.keys.model import ApiKey
from tests.support.commands import change_key, clock_of, create_key, delete_key, revoke_key


@pytest.fixture
def keys(instance: Instance) -> dict[str, ApiKey]:
    """One in each state, all 40 days old but the last."""
    made = {name: create_key(instance, name).key for name in ("endless", "disabled", "revoked", "deleted")}
    made["expired"] = create_key(instance, "expired", expires="7d").key
    made["soon"] = create_key(instance, "soon", expires_at_ms=instance.now_ms() + 45 * DAY_MS).key
    made["later"] = create_key(instance, "later", expires="90d").key
    change_key(instance, made["disabled"], disabled=True)
    for name in ("revoked", "deleted"):
        revoke_key(instance, made[name])
    delete_key(instance, made["deleted"])
    clock_of(instance).advance(40 * DAY_MS / 1000)
    made["50% new_one"] = create_key(instance, "50% new_one").key
    return made


def _names(instance: Instance, where: KeyFilter, order: Order | None = None, after: Cursor | None = None) -> list[str]:
    with instance.database.reading() as unit:
        return [key.name for key in unit.listing.run(where, order or Order("name", False), after, 99)]


@pytest.mark.parametrize(
    ("show", "names"),
    [
        ("all", ["50% new_one", "disabled", "endless", "expired", "later", "revoked", "soon"]),
        ("active", ["50% new_one", "endless", "later", "soon"]),
        ("soon", ["soon"]),
        ("unused", ["endless", "later", "soon"]),
        ("disabled", ["disabled"]),
        ("inactive", ["expired", "revoked"]),
        ("expired", ["expired"]),
        ("revoked", ["revoked"]),
    ],
)
def test_who_is_shown(instance: Instance, keys: dict[str, ApiKey], show: Show, names: list[str]) -> None:
    """A list of working keys never holds one that is refused, and no list holds a deleted one."""
    where = KeyFilter(instance.now_ms(), show=show)
    assert _names(instance, where) == names
    with instance.database.reading() as unit:
        among = unit.listing.among(where, [key.id for key in keys.values()])
    assert sorted(key.name for key in among) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [("50%", ["50% new_one"]), ("%", ["50% new_one"]), ("W_O", ["50% new_one"]), ("n_e", []), ("deleted", [])],
)
def test_wildcards_of_a_search_are_plain_text(
    instance: Instance, keys: dict[str, ApiKey], text: str, names: list[str]
) -> None:
    """Upper and lower case are alike."""
    assert _names(instance, KeyFilter(instance.now_ms(), text)) == names


def test_a_hint_is_found_however_its_dots_are_typed(instance: Instance, keys: dict[str, ApiKey]) -> None:
    """People type three dots for the one character of a hint."""
    hint = keys["soon"].hint
    for text in (hint, hint.replace("…", "..."), hint.upper()):
        assert "soon" in _names(instance, KeyFilter(instance.now_ms(), text))


def test_orders_leave_out_what_they_cannot_place(instance: Instance, keys: dict[str, ApiKey]) -> None:
    """Keys without an expiry are a run of their own behind those that have one."""
    where = KeyFilter(instance.now_ms())
    assert _names(instance, where, Order("expires", False)) == ["expired", "soon", "later"]
    assert _names(instance, where, Order("expires", True)) == ["later", "soon", "expired"]
    endless = _names(instance, where, Order("created", True, endless=True))
    assert sorted(endless) == ["50% new_one", "disabled", "endless", "revoked"]
    after = Cursor(keys["soon"].expires_at_ms, keys["soon"].id)
    assert _names(instance, where, Order("expires", False), after) == ["later"]


def test_counts_and_working_keys(instance: Instance, keys: dict[str, ApiKey]) -> None:
    """The deleted one is counted nowhere; the newest working key comes last."""
    with instance.database.reading() as unit:
        assert unit.listing.counts(instance.now_ms()) == KeyCounts(7, 4)
        living = unit.listing.list_active(instance.now_ms(), 99)
        assert sorted(key.name for key in living[:-1]) == ["endless", "later", "soon"]
        assert living[-1].name == "50% new_one"
        assert unit.listing.list_active(instance.now_ms(), 1) == living[:1]
