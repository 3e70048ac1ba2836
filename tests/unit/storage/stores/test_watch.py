"""The watch's data in the keys database."""

from ari import keys
from ari.base.clock import DAY_MS, HOUR_MS
from ari.deps import Deps
from ari.instance import Instance
from tests.support.commands import change_key, create_key, revoke_key


def test_a_mark_is_muted_until_its_latest_time(instance: Instance) -> None:
    """Two processes may mute the same finding; the longer time counts, and it ends at its millisecond."""
    with instance.database.writing() as unit:
        unit.watch.mute({"a": 20, "b": 5})
        unit.watch.mute({"a": 10, "b": 9})
        assert [unit.watch.list_muted(now) for now in (8, 9, 19, 20)] == [{"a", "b"}, {"a"}, {"a"}, set()]
        unit.watch.forget(9)
        assert unit.watch.list_muted(0) == {"a"}


def test_keys_about_to_expire_are_those_that_work(instance: Instance) -> None:
    """A revoked or disabled key is not worth a warning; the span ends with its last millisecond."""
    now_ms = instance.now_ms()
    end = now_ms + 2 * DAY_MS
    made = {name: create_key(instance, name, expires_at_ms=end).key for name in ("works", "disabled", "revoked")}
    create_key(instance, "endless")
    create_key(instance, "later", expires_at_ms=end + DAY_MS)
    change_key(instance, made["disabled"], disabled=True)
    revoke_key(instance, made["revoked"])
    with instance.database.reading() as unit:
        assert [key.name for key in unit.watch.list_expiring(now_ms, end, now_ms)] == ["works"]
        assert unit.watch.list_expiring(now_ms, end - 1, now_ms) == []
        assert [key.name for key in unit.watch.list_expiring(end, end + 2 * DAY_MS, now_ms)] == ["later"]


def test_old_secrets_about_to_retire_are_those_of_keys_that_work(instance: Instance) -> None:
    """The newest secret and those already retired are none; the time of the rotation is the next one's."""
    now_ms = instance.now_ms()
    made = {name: create_key(instance, name).key for name in ("works", "disabled", "revoked", "retired", "later")}
    for name, key in made.items():
        overlap = {"retired": "0s", "later": "2h"}.get(name, "1h")
        Deps(instance).do_sync(keys.rotate, key.id, keys.Rotation(overlap))
    change_key(instance, made["disabled"], disabled=True)
    revoke_key(instance, made["revoked"])
    with instance.database.reading() as unit:
        [found] = unit.watch.list_retiring(now_ms + HOUR_MS, now_ms)
        assert found == (made["works"].id, "works", 1, made["works"].hint, now_ms, now_ms + HOUR_MS)
        assert unit.watch.list_retiring(now_ms + HOUR_MS - 1, now_ms) == []
        later = unit.watch.list_retiring(now_ms + DAY_MS, now_ms + HOUR_MS)
        assert [secret.name for secret in later] == ["later"]


def test_many_keys_are_read_in_a_few_statements(instance: Instance) -> None:
    """More than one statement takes, and unknown ones among them."""
    first, last = create_key(instance, "first").key, create_key(instance, "last").key
    ids = [first.id, *(f"key_{number:026d}" for number in range(1_100)), last.id]
    with instance.database.reading() as unit:
        assert unit.watch.keys(ids) == {first.id: first, last.id: last}
