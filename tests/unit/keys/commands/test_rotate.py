"""Rotation: a new secret for the same key, the old one until the overlap ends, no secret without the right."""

from dataclasses import replace
from hashlib import sha256

import pytest
from msgspec import structs

from ari.base.caller import CONFIRMED_FOR_MS, Caller
from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.keys import (
    KeyChange,
    NewKey,
    Rotated,
    Rotation,
    change,
    create,
    get_active_made_by,
    get_secrets,
    retire_old,
    revoke,
    rotate,
    token,
)
from ari.keys.checks import AccessRequest
from ari.keys.commands.import_keys import import_keys, prepare_import
from ari.keys.model import ApiKey, Refused
from ari.keys.queries import MAX_LISTED_SECRETS
from ari.keys.verify import decide
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def _code(tx: MemoryTransaction, text: str, now_ms: int = NOW_MS) -> str:
    """The verdict on a secret."""
    key = tx.keys.find(token.digest(text.encode()))
    if key is None:
        return "unknown"
    verdict = decide(key, AccessRequest(None, now_ms))
    return verdict.reason.code if isinstance(verdict, Refused) else "ok"


def _rotate(tx: MemoryTransaction, key: ApiKey, overlap: str = "24h", retire_old_now: bool = False) -> Rotated:
    return rotate(tx, key.id, Rotation(overlap, retire_old_now))


def test_the_key_stays_and_both_secrets_work_until_the_overlap_ends() -> None:
    """Rotation in place: ID and policy are the same, the hint is the new secret's."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n", scopes=("api:read",), expires_at_ms=NOW_MS + 9 * DAY_MS))
    rotated = _rotate(tx, made.key)
    assert rotated.key == replace(made.key, hint=token.hint(rotated.secret)) == tx.keys.rows[made.key.id]
    last_ms = NOW_MS + DAY_MS - 1
    assert [_code(tx, text, last_ms) for text in (made.secret, rotated.secret)] == ["ok", "ok"]
    assert [_code(tx, text, last_ms + 1) for text in (made.secret, rotated.secret)] == ["retired", "ok"]
    assert [secret.number for secret in get_secrets(tx, made.key.id)] == [2, 1]


def test_the_event_names_both_secrets_and_contains_neither() -> None:
    """Numbers, hints and when the old one retires."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    rotated = _rotate(tx, made.key)
    event = tx.events.written[-1]
    assert (event.name, event.subject) == ("key_rotated", made.key.id)
    assert event.detail == {
        "hint": rotated.new.hint,
        "number": 2,
        "old_number": 1,
        "old_hint": made.key.hint,
        "retires_at": to_rfc3339(NOW_MS + DAY_MS),
    }
    assert made.secret not in str(tx.events.written)
    assert rotated.secret not in str(tx.events.written) + repr(rotated)


def test_without_overlap_the_old_secret_is_dead_even_if_the_clock_is_set_back() -> None:
    """It is stamped as retired at once."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    _rotate(tx, made.key, "0s")
    assert [_code(tx, made.secret, at_ms) for at_ms in (NOW_MS, NOW_MS - DAY_MS)] == ["retired", "retired"]


def test_a_third_secret_waits_or_retires_the_first() -> None:
    """Never more than two are active; the one in use now gets its overlap."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    second = _rotate(tx, made.key)
    with pytest.raises(Conflict) as refused:
        _rotate(tx, made.key)
    assert refused.value.code == "rotation_in_progress"
    assert len(tx.events.written) == 2
    third = _rotate(tx, made.key, "1h", retire_old_now=True)
    codes = [_code(tx, text) for text in (made.secret, second.secret, third.secret)]
    assert codes == ["retired", "ok", "ok"]
    assert tx.names[-2:] == ["key_secret_retired", "key_rotated"]
    assert tx.events.written[-2].detail == {"hint": second.new.hint, "number": 1, "old_hint": made.key.hint}
    assert _code(tx, second.secret, NOW_MS + HOUR_MS) == "retired"


def test_after_the_overlap_a_key_is_rotated_again() -> None:
    """Numbers count up, and the flag retires nothing that is in use."""
    tx = MemoryTransaction()
    key = make_key(tx)
    _rotate(tx, key)
    tx.now_ms += DAY_MS
    again = _rotate(tx, key, retire_old_now=True)
    assert (again.new.number, again.old.number, tx.names[-1]) == (3, 2, "key_rotated")
    assert "key_secret_retired" not in tx.names


def test_dead_keys_get_no_secret() -> None:
    """Revoked and expired: a conflict; deleted and unknown: not found."""
    tx = MemoryTransaction()
    revoked, expired = make_key(tx), make_key(tx, expires_at_ms=NOW_MS + HOUR_MS)
    revoke(tx, revoked.id)
    tx.now_ms += HOUR_MS
    for key in (revoked, expired):
        with pytest.raises(Conflict) as refused:
            _rotate(tx, key)
        assert refused.value.code == "key_inactive"
        assert len(get_secrets(tx, key.id)) == 1
    for key_id in ("key_01JD7W0000000000000000000", "nonsense"):
        with pytest.raises(NotFound):
            rotate(tx, key_id, Rotation())
        with pytest.raises(NotFound):
            retire_old(tx, key_id)


def test_a_disabled_key_is_rotated_and_stays_disabled() -> None:
    """To replace a leaked secret before the key works again."""
    tx = MemoryTransaction()
    key = make_key(tx)
    change(tx, key.id, KeyChange(disabled=True))
    rotated = _rotate(tx, key, "0s")
    assert rotated.key.disabled
    assert _code(tx, rotated.secret) == "disabled"
    change(tx, key.id, KeyChange(disabled=False))
    assert _code(tx, rotated.secret) == "ok"


def test_an_invalid_overlap_changes_nothing() -> None:
    """No secret, no event."""
    tx = MemoryTransaction()
    key = make_key(tx)
    with pytest.raises(Invalid):
        _rotate(tx, key, "31d")
    assert (tx.names, len(get_secrets(tx, key.id))) == (["key_created"], 1)


def test_revoking_a_key_kills_all_its_secrets() -> None:
    """The key's status is checked before its secrets."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    rotated = _rotate(tx, made.key)
    revoke(tx, made.key.id)
    assert [_code(tx, text) for text in (made.secret, rotated.secret)] == ["revoked", "revoked"]


def test_the_old_secret_can_be_retired_early() -> None:
    """A repeat changes nothing, and the newest secret is never retired by it."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    assert retire_old(tx, made.key.id) == made.key
    rotated = _rotate(tx, made.key)
    for _ in range(2):
        retire_old(tx, made.key.id)
    assert tx.names == ["key_created", "key_rotated", "key_secret_retired"]
    assert [_code(tx, text, NOW_MS - DAY_MS) for text in (made.secret, rotated.secret)] == ["retired", "ok"]


def test_a_retired_secret_is_never_forgotten() -> None:
    """However often the key is rotated, so that nobody can import its hash; the list has the newest only."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n"))
    for _ in range(MAX_LISTED_SECRETS):
        _rotate(tx, made.key, "0s")
    numbers = [secret.number for secret in get_secrets(tx, made.key.id)]
    assert (numbers[0], numbers[-1], len(numbers)) == (MAX_LISTED_SECRETS + 1, 2, MAX_LISTED_SECRETS)
    assert _code(tx, made.secret) == "retired"
    line = {"name": "again", "hash": sha256(made.secret.encode()).hexdigest(), "scheme": "sha256-hex"}
    assert [one.is_stored for one in import_keys(tx, prepare_import(tx, {1: line})).lines] == [True]


def test_a_session_confirms_its_password_first() -> None:
    """As for creating a key: the caller learns a secret."""
    tx = MemoryTransaction()
    key = make_key(tx)
    tx.caller = Caller("usr_1", Origin("web"), session_digest=b"x", confirmed_at_ms=NOW_MS - CONFIRMED_FOR_MS)
    with pytest.raises(ReauthRequired):
        _rotate(tx, key)
    tx.caller = replace(tx.caller, confirmed_at_ms=NOW_MS)
    assert _rotate(tx, key).new.number == 2


def test_a_key_learns_no_secret_of_a_stronger_one() -> None:
    """Security rule 11: more scopes, a later end, or use from more addresses would be an escalation."""
    tx = MemoryTransaction()
    tomorrow = NOW_MS + DAY_MS
    clerk = make_key(tx, "keys:write", "api:read", expires_at_ms=tomorrow)
    wider, longer = (
        make_key(tx, "keys:read", expires_at_ms=tomorrow),
        make_key(tx, "api:read", expires_at_ms=tomorrow + 1),
    )
    lasting, fitting = make_key(tx, "api:read"), make_key(tx, "api:read", expires_at_ms=tomorrow)
    for key in (wider, longer, lasting):
        with pytest.raises(Forbidden):
            _rotate(tx.by(clerk), key)
    bound = _bind(tx, clerk, "192.0.2.0/24")
    with pytest.raises(Forbidden, match="addresses"):
        _rotate(tx.by(bound), fitting)
    assert "key_rotated" not in tx.names
    inside = _bind(tx, fitting, "192.0.2.7")
    assert _rotate(tx.by(bound), inside).new.number == 2


def test_a_key_with_limits_learns_no_secret() -> None:
    """It could get around its limits with the other key."""
    tx = MemoryTransaction()
    clerk, other = make_key(tx, "*"), make_key(tx, "api:read")
    change(tx, clerk.id, KeyChange(limits=[{"limit": 1, "window": "1m"}]))
    with pytest.raises(Forbidden, match="limits"):
        _rotate(tx.by(clerk), other)


def test_a_key_that_learned_a_secret_is_a_grantor_of_that_key() -> None:
    """Revoking it with the keys it made finds the key whose secret it knows."""
    tx = MemoryTransaction()
    clerk, other = make_key(tx, "*"), make_key(tx, "api:read")
    _rotate(tx.by(clerk), other)
    assert [key.id for key in get_active_made_by(tx, clerk.id)] == [other.id]


def test_a_key_learns_no_secret_of_those_it_has_its_rights_from() -> None:
    """It would outlive its own revocation as its maker."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    child = make_key(tx.by(maker), "*")
    grandchild = make_key(tx.by(child), "*")
    for key in (child, grandchild):
        with pytest.raises(Forbidden, match="rotate a key that created it"):
            _rotate(tx.by(key), maker)
    assert _rotate(tx.by(maker), grandchild).new.number == 2


def test_a_holder_rotates_its_own_key_only_if_the_policy_allows_it() -> None:
    """Even with all scopes; and it gets a secret, nothing more."""
    tx = MemoryTransaction()
    strong = make_key(tx, "*")
    with pytest.raises(Forbidden, match="may_rotate"):
        _rotate(tx.by(strong, secret_number=1), strong)
    weak = create(tx, NewKey("n", scopes=("api:read",), may_rotate=True))
    rotated = _rotate(tx.by(weak.key, secret_number=1), weak.key)
    assert rotated.key == replace(weak.key, hint=rotated.new.hint)
    assert tx.events.written[-1].actor == weak.key.id
    with pytest.raises(Forbidden):
        _rotate(tx.by(weak.key, secret_number=2), make_key(tx, "api:read", "keys:read"))


def test_a_replaced_secret_gets_itself_no_successor() -> None:
    """The holder of the old secret must not stay in after the overlap; the new one may go on."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n", may_rotate=True))
    _rotate(tx, made.key)
    for retire_old_now in (False, True):
        with pytest.raises(Conflict) as refused:
            _rotate(tx.by(made.key, secret_number=1), made.key, retire_old_now=retire_old_now)
        assert refused.value.code == "rotation_in_progress"
    assert _rotate(tx.by(made.key, secret_number=2), made.key, retire_old_now=True).new.number == 3


def test_no_key_lets_itself_rotate() -> None:
    """Neither by a change nor through a key that it made; giving it counts as giving more."""
    tx = MemoryTransaction()
    clerk = make_key(tx, "keys:write", "api:read", expires_at_ms=NOW_MS + DAY_MS)
    child = make_key(tx.by(clerk), "keys:write", "api:read", expires_at_ms=NOW_MS + DAY_MS)
    for caller, key in ((clerk, clerk), (child, clerk), (clerk, make_key(tx, "api:read"))):
        with pytest.raises(Forbidden):
            change(tx.by(caller), key.id, KeyChange(may_rotate=True))
    allowed = change(tx, clerk.id, KeyChange(may_rotate=True))
    assert (allowed.policy.may_rotate, tx.names[-1]) == (True, "key_may_rotate_changed")
    change(tx.by(clerk), clerk.id, KeyChange(may_rotate=False))
    assert tx.events.written[-1].detail["may_rotate"] is False


def _bind(tx: MemoryTransaction, key: ApiKey, *addresses: str) -> ApiKey:
    bound = replace(key, policy=structs.replace(key.policy, addresses=addresses))
    tx.keys.save(bound)
    return bound
