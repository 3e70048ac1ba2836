"""A report that a key leaked: recorded within a bound, without the key, and followed by what the policy says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ari.base.caller import Caller
from ari.base.clock import DAY_MS
from ari.base.events import Origin
from ari.keys import (
    Created,
    KeyChange,
    LeakAction,
    LeakReport,
    NewKey,
    Rotation,
    change,
    create,
    import_keys,
    list_salted_words,
    prepare_import,
    report_leak,
    revoke,
    rotate,
)
from ari.keys.commands.report_leak import (
    MAX_EVENTS_PER_DAY,
    MAX_KEYS_IN_REPORT,
    MAX_SOURCE_LENGTH,
    MAX_URL_LENGTH,
    REVOKE_REASON,
    clean_source,
    clean_url,
)
from ari.keys.token import mint
from tests.unit.keys.memory import MemoryTransaction, make_key

VECTORS = Path(__file__).parents[1] / "imports/vectors.json"
ARI = Caller("system", Origin("api", "203.0.113.9"))
URL = "https://git.example.com/app/config.env"


@pytest.fixture
def tx() -> MemoryTransaction:
    return MemoryTransaction()


def create_key(tx: MemoryTransaction, *scopes: str) -> Created:
    """A key that leaks."""
    return create(tx, NewKey("Backup", scopes=scopes or ("api:read",)))


def report(
    tx: MemoryTransaction, token: str, action: LeakAction = "notify", url: str | None = URL, source: str | None = None
) -> str | None:
    """Report the token as a stranger does; the ID of the key that it belongs to."""
    stranger = replace(tx, caller=ARI)
    found = report_leak(stranger, LeakReport(token, source, url), action)
    return found[0].key.id if found else None


def test_a_report_is_an_event_without_the_key(tx: MemoryTransaction) -> None:
    """It holds all that the owner needs; ARI is the actor, at the address of the report."""
    made = create_key(tx)
    assert report(tx, made.secret, source="Nightly scan") == made.key.id
    event = tx.events.written[-1]
    assert (event.name, event.subject, event.actor) == ("key_leaked", made.key.id, "system")
    assert event.origin.client_address == "203.0.113.9"
    assert event.detail == {
        "hint": made.key.hint,
        "name": "Backup",
        "source": "Nightly scan",
        "url": URL,
        "action": "notify",
    }
    assert tx.keys.rows[made.key.id].status(tx.now_ms) == "active"


@pytest.mark.parametrize(
    ("action", "names", "status"),
    [("disable", ["key_leaked", "key_disabled"], "disabled"), ("revoke", ["key_leaked", "key_revoked"], "revoked")],
)
def test_the_policy_ends_access_in_the_same_transaction(
    tx: MemoryTransaction, action: LeakAction, names: list[str], status: str
) -> None:
    """By the commands that everybody uses, with ARI as the actor."""
    made = create_key(tx, "*")
    report(tx, made.secret, action)
    assert tx.names[1:] == names
    after = tx.keys.rows[made.key.id]
    assert after.status(tx.now_ms) == status
    assert {event.actor for event in tx.events.written[1:]} == {"system"}
    if action == "revoke":
        assert (after.revoke_reason, after.revoked_by) == (REVOKE_REASON, "system")


def test_no_text_but_a_key_of_this_instance_does_anything(tx: MemoryTransaction) -> None:
    """A key of another instance, a damaged one, nonsense, half of a surrogate pair."""
    made = create_key(tx)
    before = tx.names
    for text in (mint(), made.secret[:-1], made.secret.swapcase(), "", "x" * 500, "\ud800"):
        assert report(tx, text, "revoke") is None
    assert tx.names == before
    assert tx.keys.rows[made.key.id].revoked_at_ms is None


def test_text_around_the_key_does_not_matter(tx: MemoryTransaction) -> None:
    """The response can't say that a report was useless, so a copied line counts too; other keys in it don't disturb."""
    made = create_key(tx)
    for text in (f" {made.secret}\n", f'ARI_API_KEY="{made.secret}"', f"{made.secret}x", f"{mint()} {made.secret}"):
        assert report(tx, text) == made.key.id


def test_inactive_keys_need_nothing(tx: MemoryTransaction) -> None:
    """Revoked, expired and deleted keys do no harm; they are still recognized."""
    revoked, expired, deleted = create_key(tx), create_key(tx), create_key(tx)
    for made in (revoked, deleted):
        revoke(tx, made.key.id)
    tx.keys.save(replace(tx.keys.rows[deleted.key.id], deleted_at_ms=tx.now_ms))
    tx.keys.save(replace(expired.key, expires_at_ms=tx.now_ms))
    before = tx.names
    for made in (revoked, expired, deleted):
        assert report(tx, made.secret, "revoke") == made.key.id
    assert tx.names == before


def test_a_disabled_key_can_still_be_revoked(tx: MemoryTransaction) -> None:
    """It could be enabled again. Disabling it once more changes nothing."""
    made = create_key(tx)
    change(tx, made.key.id, KeyChange(disabled=True))
    report(tx, made.secret, "disable")
    assert tx.names[2:] == ["key_leaked"]
    report(tx, made.secret, "revoke")
    assert tx.keys.rows[made.key.id].status(tx.now_ms) == "revoked"


def test_repeated_reports_are_bounded_but_always_acted_on(tx: MemoryTransaction) -> None:
    """A few events a day for each key, so a few emails; and a key that was enabled again is disabled again."""
    made, other = create_key(tx), create_key(tx)
    for _ in range(10):
        report(tx, made.secret)
    report(tx, other.secret)
    assert tx.names.count("key_leaked") == MAX_EVENTS_PER_DAY + 1
    report(tx, made.secret, "disable")
    assert tx.keys.rows[made.key.id].disabled
    assert DAY_MS == 24 * 60 * 60 * 1000


def test_keys_that_it_made_are_counted_and_left_alone(tx: MemoryTransaction) -> None:
    """A report must not end hundreds of keys of customers; the owner learns of them and decides."""
    made = create_key(tx, "keys:write", "api:read")
    children = [make_key(tx.by(made.key)) for _ in range(2)]
    report(tx, made.secret, "revoke")
    [event] = [event for event in tx.events.written if event.name == "key_leaked"]
    assert event.detail["active_keys_made"] == 2
    assert [tx.keys.rows[child.id].status(tx.now_ms) for child in children] == ["active", "active"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (URL, URL),
        ("https://user:hunter2@git.example.com/a?token=hunter2#L1", "https://git.example.com/a"),
        ("HTTP://git.example.com", "http://git.example.com"),
        (" https://git.example.com/a b\x1b[2J\u202e ", "https://git.example.com/a b [2J"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https://[", None),
        ("not a url", None),
        ("", None),
        (None, None),
    ],
)
def test_urls_are_cleaned(given: str | None, stored: str | None) -> None:
    """User, query and fragment may hold secrets; other schemes could run something."""
    assert clean_url(given) == stored


def test_no_text_of_a_report_is_long_or_has_a_key() -> None:
    """Also not percent-encoded; 10 characters of a key remain."""
    token = mint()
    for text in (f"https://git.example.com/{token}", f"https://git.example.com/{token.replace('_', '%5F')}"):
        assert token[12:-6] not in (clean_url(text) or token)
    assert len(clean_url(f"https://git.example.com/{'a/' * 9_000}") or "") == MAX_URL_LENGTH
    assert token not in (clean_source(f"found {token} here") or token)
    assert len(clean_source("word " * 9_000) or "") <= MAX_SOURCE_LENGTH
    assert (clean_source(" \n "), clean_source(None), clean_source("a\x00\nb")) == (None, None, "a b")
    assert token not in repr(LeakReport(token))


def test_an_old_secret_counts_while_it_works(tx: MemoryTransaction) -> None:
    """The event shows which secret leaked; once it has retired, its finder can no longer end the key's access."""
    made = create_key(tx)
    rotate(tx, made.key.id, Rotation("1h"))
    report(tx, made.secret)
    assert tx.events.written[-1].detail["hint"] == made.key.hint
    tx.now_ms += 3_600_000
    assert report(tx, made.secret, "revoke") == made.key.id
    assert tx.names == ["key_created", "key_rotated", "key_leaked"]


def test_an_imported_key_is_found_by_its_text(tx: MemoryTransaction) -> None:
    """It has no shape, so each word of the report is looked up; a salted hash is checked later, outside."""
    vectors = {one["scheme"]: one for one in json.loads(VECTORS.read_text())}
    for number, scheme in enumerate(("better-auth", "laravel-sanctum", "bcrypt")):
        line = {"name": "Shop", **{name: vectors[scheme][name] for name in ("scheme", "hash")}}
        line |= {"foreign_id": vectors[scheme].get("foreign_id")}
        import_keys(tx, prepare_import(tx, {number: line}), all_or_nothing=True)
    shop, sanctum, _ = tx.keys.rows.values()
    assert report(tx, f"API_KEY='{vectors['better-auth']['key']}' # prod") == shop.id
    assert report(tx, vectors["laravel-sanctum"]["key"]) == sanctum.id
    assert report(tx, "some other text") is None
    salted = vectors["bcrypt"]["key"]
    assert report(tx, salted) is None
    assert list_salted_words(tx, f"key: {salted}") == [salted.encode()]
    assert list_salted_words(tx, vectors["better-auth"]["key"]) == []


def test_each_key_of_a_line_is_reported(tx: MemoryTransaction) -> None:
    """Neither an inactive key nor an old secret of the same key hides the keys after it in the text."""
    old, live, other = create_key(tx), create_key(tx), create_key(tx)
    revoke(tx, old.key.id)
    rotated = rotate(tx, live.key.id, Rotation("0s"))
    line = f"OLD={old.secret} WAS={live.secret} NEW={rotated.secret} NEW={rotated.secret} B={other.secret} {mint()}"
    found = report_leak(replace(tx, caller=ARI), LeakReport(line), "revoke")
    assert [(one.key.id, one.action) for one in found] == [
        (old.key.id, None),
        (live.key.id, "revoke"),
        (other.key.id, "revoke"),
    ]
    assert [event.subject for event in tx.events.written if event.name == "key_leaked"] == [live.key.id, other.key.id]
    assert {tx.keys.rows[one.key.id].status(tx.now_ms) for one in found} == {"revoked"}


def test_the_keys_of_one_report_are_bounded(tx: MemoryTransaction) -> None:
    """A text of any length may come from GitHub's alerts."""
    made = [create_key(tx) for _ in range(MAX_KEYS_IN_REPORT + 1)]
    found = report_leak(tx, LeakReport(" ".join(one.secret for one in made)), "disable")
    assert [one.key.id for one in found] == [one.key.id for one in made[:-1]]
    assert tx.keys.rows[made[-1].key.id].status(tx.now_ms) == "active"
