"""``ari keys rotate`` and what belongs to it."""

from ari.keys import token
from tests.unit.cli.conftest import Ari


def test_rotate_prints_only_the_secret_when_piped(ari: Ari) -> None:
    """As ``create`` does, so it can be piped into a secret store."""
    key, _ = ari.create()
    ran = ari("keys", "rotate", key["id"])
    secret = ran.out.strip()
    assert token.is_token(secret.encode())
    shown = ari.json("keys", "show", key["id"])
    assert (shown["hint"], [one["number"] for one in shown["secrets"]]) == (token.hint(secret), [2, 1])


def test_json_is_the_response_of_the_api(ari: Ari) -> None:
    """The same fields as at every door."""
    key, _ = ari.create()
    rotated = ari.json("keys", "rotate", key["hint"], "--overlap", "7d")
    assert rotated.keys() == {"key", "secret", "secret_number", "old_hint", "old_retires_at"}
    assert (rotated["secret_number"], rotated["old_hint"]) == (2, key["hint"])


def test_show_lists_the_secrets_of_a_rotated_key_only(ari: Ari) -> None:
    """A key that was never rotated has nothing to list."""
    key, _ = ari.create()
    assert "SECRET" not in ari("keys", "show", key["id"]).out
    ari("keys", "rotate", key["id"])
    shown = ari("keys", "show", key["id"]).out
    assert "SECRET" in shown
    assert key["hint"] in shown


def test_a_third_secret_is_refused_by_the_rule_of_every_door(ari: Ari) -> None:
    """The sentence says what to do."""
    key, _ = ari.create()
    ari("keys", "rotate", key["id"])
    assert "still in its overlap" in ari.refuse("keys", "rotate", key["id"])
    ari("keys", "rotate", key["id"], "--retire-old-now", "--yes")
    assert [one["active"] for one in ari.json("keys", "show", key["id"])["secrets"]] == [True, True, False]


def test_refusals(ari: Ari) -> None:
    """An overlap that is none, a revoked key, a key itself in place of its ID."""
    key, secret = ari.create()
    assert "from 0s to 30d" in ari.refuse("keys", "rotate", key["id"], "--overlap", "2w")
    assert secret not in ari.refuse("keys", "rotate", secret)
    ari("keys", "revoke", "--yes", key["id"])
    assert "can't be rotated" in ari.refuse("keys", "rotate", key["id"], "--overlap", "0s")


def test_the_old_secret_is_retired_early(ari: Ari) -> None:
    """Without one there is nothing to do."""
    key, _ = ari.create()
    assert "no old secret that still works" in ari("keys", "retire-old", key["id"]).out
    ari("keys", "rotate", key["id"])
    assert f"Retired the old secret {key['hint']}" in ari("keys", "retire-old", "--yes", key["id"]).out
    assert [one["active"] for one in ari.json("keys", "show", key["id"])["secrets"]] == [True, False]


def test_who_uses_a_secret(ari: Ari) -> None:
    """Nobody yet; an unknown number is named."""
    key, _ = ari.create()
    ari("keys", "rotate", key["id"])
    assert "1 (" + key["hint"] in ari("keys", "secret", key["id"], "1").out
    use = ari.json("keys", "secret", key["id"], "1")
    assert (use["hint"], use["request_count"], use["addresses"]) == (key["hint"], 0, [])
    assert ari("keys", "secret", key["id"], "3", check=False).code == 2


def test_the_holder_may_rotate(ari: Ari) -> None:
    """On create, and later on and off."""
    key, _ = ari.create("Agent", "--may-rotate")
    assert key["may_rotate"] is True
    assert "can no longer rotate it" in ari("keys", "forbid-rotation", key["id"]).out
    assert ari.json("keys", "allow-rotation", key["id"])["may_rotate"] is True
