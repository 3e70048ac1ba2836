"""``ari keys verify`` on a data directory decides, consumes and records like the server, on both databases."""

import json
from typing import Any

from tests.support.owner import Owner


def _verify(owner: Owner, secret: str, *options: str) -> tuple[int, dict[str, Any]]:
    ran = owner.cli("keys", "verify", "--json", *options, stdin=f"{secret}\n")
    return ran.returncode, json.loads(ran.stdout)


def test_a_verdict_is_in_the_log_and_consumes_what_it_says(owner_on: Owner) -> None:
    """The server and the command line share one counter; without --cost nothing is consumed."""
    made = owner_on.cli.json("keys", "create", "Shop", "--scope", "keys:verify", "--limit", "3/1h")
    secret, key_id = made["secret"], made["key"]["id"]
    asked = owner_on.api(secret).post("/api/verify", json={"key": secret, "cost": 0}).json()
    assert [one["remaining"] for one in asked["limits"]] == [2]
    code, verdict = _verify(owner_on, secret)
    for one in (*asked["limits"], *verdict["limits"]):
        del one["more_in_seconds"]
    assert (code, verdict) == (0, asked)
    code, verdict = _verify(owner_on, secret, "--cost", "2", "--address", "192.0.2.7")
    assert (code, verdict["limits"][0]["remaining"]) == (0, 0)
    code, verdict = _verify(owner_on, secret, "--cost", "1")
    assert (code, verdict["code"], verdict["exceeded"]) == (3, "rate_limited", "default")
    assert owner_on.api(secret).get("/api/me").status_code == 429
    rows = owner_on.cli.json("usage", "--key", key_id, "--source", "verify")["items"]
    assert [(row["code"], row["client_address"]) for row in rows[:2]] == [("rate_limited", None), ("ok", "192.0.2.7")]


def test_each_refusal_has_its_reason(owner_on: Owner) -> None:
    """Those of every door; a text that isn't a key belongs to nobody."""
    key, secret = owner_on.create_key("Short", expires="1h", scopes=["api:read"])
    assert _verify(owner_on, secret, "--scope", "keys:read")[1]["code"] == "insufficient_scope"
    owner_on.cli("keys", "disable", key["id"], check=True)
    assert _verify(owner_on, secret)[1]["code"] == "disabled"
    owner_on.server.clock.advance(3_600)
    assert _verify(owner_on, secret)[1]["code"] == "expired"
    owner_on.cli("keys", "revoke", key["id"], "--yes", check=True)
    code, verdict = _verify(owner_on, secret)
    assert (code, verdict["code"], verdict["key"]["name"]) == (3, "revoked", "Short")
    code, verdict = _verify(owner_on, "ari_k_" + "0" * 49)
    assert (code, verdict["valid"], verdict["key"]) == (3, False, None)


def test_mistakes_are_no_verdicts(owner_on: Owner) -> None:
    """Status 1 and one sentence: an undeclared scope, an address that is none, a limit that the key doesn't have."""
    _, secret = owner_on.create_key("Plain")
    for options, said in (
        (("--scope", "orders:read"), "orders:read isn't declared."),
        (("--address", "here"), "Use an IP address"),
        (("--limit", "minute"), "has no limit minute"),
    ):
        ran = owner_on.cli("keys", "verify", *options, stdin=f"{secret}\n")
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
        assert said in ran.stderr
        assert secret not in ran.stderr
