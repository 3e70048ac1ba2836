"""Kinds of keys: their prefix and defaults apply to new keys, and give nobody more than it has."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound, ReauthRequired
from ari.keys import (
    KeyChange,
    KindChange,
    LeakReport,
    NewKey,
    add_kind,
    change,
    change_kind,
    create,
    delete,
    get_kind,
    list_kinds,
    remove_kind,
    report_leak,
    require_may_create,
    revoke,
    token,
)
from ari.keys.kinds import Kind, describe_defaults, kind_facts
from ari.keys.limits.budget_fields import parse_budgets
from ari.keys.limits.rules import Limit, LimitRules
from ari.keys.model_rules import parse_model_rules
from ari.keys.policy import Policy
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def _kind(tx: MemoryTransaction, **defaults: Any) -> Kind:
    return add_kind(tx, "acme-live", "acme_live_", KindChange(**defaults))


def test_its_keys_have_its_prefix_and_defaults() -> None:
    """The creator's own values come first."""
    tx = MemoryTransaction()
    _kind(tx, expires="30d", scopes=("keys:read",), environment="test", max_lifetime_days=90)
    made = create(tx, NewKey("n", kind="acme-live"))
    assert made.secret.startswith("acme_live_")
    assert token.is_token(made.secret.encode())
    assert made.key.hint.startswith("acme_live_")
    assert (made.key.kind, made.key.scopes, made.key.environment) == ("acme-live", ("keys:read",), "test")
    assert made.key.expires_at_ms == NOW_MS + 30 * DAY_MS
    other = create(tx, NewKey("n", kind="acme-live", expires="90d", scopes=("api:read",), environment="live")).key
    assert (other.expires_at_ms, other.scopes, other.environment) == (NOW_MS + 90 * DAY_MS, ("api:read",), "live")
    assert tx.events.written[-1].detail["kind"] == "acme-live"
    plain = create(tx, NewKey("n"))
    assert (plain.key.kind, plain.secret[:6]) == (None, "ari_k_")


MINUTE = {"name": "default", "limit": 100, "window": "1m"}
CREDITS: dict[str, Any] = {"amount": 50, "refill": {"amount": 50, "every": "day", "hour": 6, "time_zone": "UTC"}}
MONTH: dict[str, Any] = {
    "name": "monthly",
    "amount_usd": "25.00",
    "period": "month",
    "time_zone": "Europe/Berlin",
    "hard": True,
}
MODELS: dict[str, Any] = {"allow": ["openai/gpt-5*"], "deny": ["openai/gpt-5-pro"]}


def test_its_keys_have_its_limits_and_credits() -> None:
    """From their creation on, and not those of a later change; what the creator gives, even nothing, comes first."""
    tx = MemoryTransaction()
    kind = _kind(tx, limits=[MINUTE], credits=CREDITS)
    assert {"limits": [MINUTE], "credits": CREDITS}.items() <= kind_facts(kind, 0).items()
    assert {"limits": [MINUTE], "credits": CREDITS}.items() <= tx.events.written[-1].detail.items()
    made = create(tx, NewKey("n", kind="acme-live")).key
    alike = create(tx, NewKey("n", limits=[MINUTE], credits=CREDITS)).key
    assert made.policy.limits == alike.policy.limits
    assert made.policy.limits.credits is not None
    assert made.policy.limits.credits.refill is not None
    assert made.policy.limits.credits.refill.since_ms == NOW_MS
    free = create(tx, NewKey("n", kind="acme-live", limits=(), credits=None)).key
    assert not free.policy.limits
    other = create(tx, NewKey("n", kind="acme-live", limits=[MINUTE | {"name": "own"}])).key
    assert other.policy.limits.names == ("own", "credits")
    changed = change_kind(tx, "acme-live", KindChange(limits=[], credits={"amount": 7}))
    assert describe_defaults(changed.defaults)["limits"] is None
    assert describe_defaults(changed.defaults)["credits"] == CREDITS | {"amount": 7}
    assert tx.keys.rows[made.id] == made
    assert create(tx, NewKey("n", kind="acme-live")).key.policy.limits.names == ("credits",)
    change_kind(tx, "acme-live", KindChange(credits=None))
    assert not create(tx, NewKey("n", kind="acme-live")).key.policy.limits


def test_its_keys_have_its_budgets_and_models() -> None:
    """As its limits: from their creation on, and what the creator gives, even nothing, comes first."""
    tx = MemoryTransaction()
    kind = _kind(tx, budgets=[MONTH], models=MODELS)
    described = {"budgets": [MONTH | {"amount_tokens": None, "window": None}], "models": MODELS}
    assert described.items() <= kind_facts(kind, 0).items()
    made = create(tx, NewKey("n", kind="acme-live")).key.policy
    alike = create(tx, NewKey("n", budgets=[MONTH], models=MODELS)).key.policy
    assert made == alike
    assert not create(tx, NewKey("n", kind="acme-live", budgets=(), models=None)).key.policy.limits
    assert not create(tx, NewKey("n", kind="acme-live", budgets=(), models=None)).key.policy.models
    new = NewKey("n", kind="acme-live", budgets=[MONTH | {"name": "own"}], models={"deny": ["x"]})
    own = create(tx, new).key.policy
    assert [budget.name for budget in own.limits.budgets] == ["own"]
    assert own.models.deny == ("x",)
    changed = change_kind(tx, "acme-live", KindChange(budgets=[], models=None))
    assert (changed.defaults.budgets, changed.defaults.models) == (None, None)


def test_a_key_with_rules_for_models_gives_kinds_no_others() -> None:
    """Nor looser budgets, if it has budgets."""
    tx = MemoryTransaction()
    _kind(tx, scopes=("keys:read",), budgets=[MONTH], models=MODELS)
    key = make_key(tx, "kinds:write", "keys:read")
    tx.keys.rows[key.id] = replace(key, policy=Policy(models=parse_model_rules(MODELS)))
    bound = tx.by(tx.keys.rows[key.id])
    for models in (None, {"allow": ["openai/*"]}, {"deny": ["openai/gpt-5-pro"]}):
        with pytest.raises(Forbidden, match="own models"):
            change_kind(bound, "acme-live", KindChange(models=models))
    change_kind(bound, "acme-live", KindChange(models=MODELS | {"allow": ["openai/gpt-5-mini"]}))
    limits = LimitRules(1, budgets=parse_budgets([MONTH]))
    tx.keys.rows[key.id] = replace(key, policy=Policy(limits=limits))
    for budgets in ([], [MONTH | {"amount_usd": "25.01"}], [MONTH | {"hard": False}]):
        with pytest.raises(Forbidden, match="budgets"):
            change_kind(tx.by(tx.keys.rows[key.id]), "acme-live", KindChange(budgets=budgets))


def test_a_key_with_limits_loosens_those_of_no_kind() -> None:
    """Nor by removing the kind and adding it again: its owner would create keys without the limits, unread."""
    tx = MemoryTransaction()
    _kind(tx, scopes=("keys:read",), limits=[MINUTE], credits=CREDITS)
    key = make_key(tx, "kinds:write", "keys:read")
    tx.keys.rows[key.id] = replace(key, policy=Policy(limits=LimitRules(1, (Limit("own", 1, 1_000),))))
    limited = tx.by(tx.keys.rows[key.id])
    looser: list[KindChange] = [
        KindChange(limits=None),
        KindChange(limits=[MINUTE | {"limit": 101}]),
        KindChange(limits=[MINUTE | {"name": "other"}]),
        KindChange(credits=None),
        KindChange(credits={"amount": 51}),
        KindChange(credits={"refill": CREDITS["refill"] | {"hour": 5}}),
    ]
    for wanted in looser:
        with pytest.raises(Forbidden, match="with limits"):
            change_kind(limited, "acme-live", wanted)
    with pytest.raises(Forbidden, match="with limits"):
        remove_kind(limited, "acme-live")
    tighter = KindChange(limits=[MINUTE | {"limit": 99}], credits={"amount": 49})
    assert change_kind(limited, "acme-live", tighter).defaults.rules.names == ("default", "credits")
    free = tx.by(make_key(tx, "kinds:write", "keys:read"))
    assert not change_kind(free, "acme-live", KindChange(limits=None, credits=None)).defaults.rules


def test_no_key_lives_longer_than_its_kind_allows() -> None:
    """Neither when it is created nor later, however often it is changed."""
    tx = MemoryTransaction()
    _kind(tx, max_lifetime_days=7)
    key = create(tx, NewKey("n", kind="acme-live")).key
    assert key.expires_at_ms == NOW_MS + 7 * DAY_MS
    for word in ("30d", "never"):
        with pytest.raises(Invalid, match="at most 7 days"):
            create(tx, NewKey("n", kind="acme-live", expires=word))
    later = MemoryTransaction(tx.caller, NOW_MS + DAY_MS, tx.keys, tx.events, tx.scopes)
    later.kinds = tx.kinds
    for expires_at_ms in (NOW_MS + 8 * DAY_MS, None):
        with pytest.raises(Invalid, match="at most 7 days"):
            change(later, key.id, KeyChange(expires_at_ms=expires_at_ms))
    change(later, key.id, KeyChange(expires_at_ms=NOW_MS + 2 * DAY_MS))


def test_changing_a_kind_changes_no_key() -> None:
    """Its prefix stays; ``None`` removes a default, and the same values again change nothing."""
    tx = MemoryTransaction()
    _kind(tx, expires="30d", leak_action="revoke")
    key = create(tx, NewKey("n", kind="acme-live")).key
    changed = change_kind(tx, "acme-live", KindChange(description=" Customers ", expires=None))
    assert (changed.description, changed.prefix, changed.defaults.expires) == ("Customers", "acme_live_", None)
    assert changed.defaults.leak_action == "revoke"
    change_kind(tx, "acme-live", KindChange(description="Customers"))
    assert tx.names == ["kind_added", "key_created", "kind_changed"]
    assert tx.keys.rows[key.id] == key


def test_a_kind_with_keys_stays() -> None:
    """Until they are revoked and deleted."""
    tx = MemoryTransaction()
    _kind(tx)
    key = create(tx, NewKey("n", kind="acme-live")).key
    revoke(tx, key.id)
    with pytest.raises(Conflict, match="1 key has this kind") as refused:
        remove_kind(tx, "acme-live")
    assert refused.value.code == "kind_in_use"
    delete(tx, key.id)
    remove_kind(tx, "acme-live")
    assert (list_kinds(tx), tx.names[-1]) == ([], "kind_removed")
    with pytest.raises(NotFound):
        get_kind(tx, "acme-live")
    with pytest.raises(Invalid, match="No such kind"):
        create(tx, NewKey("n", kind="acme-live"))


@pytest.mark.parametrize(
    ("name", "prefix", "location"),
    [
        ("", "acme_", "name"),
        ("Acme", "acme_", "name"),
        ("a" * 41, "acme_", "name"),
        ("acme\n", "acme_", "name"),
        ("acme", "acme", "prefix"),
        ("acme", "_", "prefix"),
        ("acme", "1a_", "prefix"),
        ("acme", "a" * 20 + "_", "prefix"),
        ("acme", "acme_\n", "prefix"),
        ("acme", "ari_k_", "prefix"),
        ("acme", "ari_k_live_", "prefix"),
        ("acme", "sk_live_", "prefix"),
    ],
)
def test_names_and_prefixes_have_rules(name: str, prefix: str, location: str) -> None:
    """A prefix says whose key it is."""
    with pytest.raises(Invalid) as refused:
        add_kind(MemoryTransaction(), name, prefix, KindChange())
    assert [one.location for one in refused.value.problems] == [location]


@pytest.mark.parametrize(
    ("defaults", "location"),
    [
        ({"expires": "2m"}, "expires"),
        ({"expires": "never", "max_lifetime_days": 30}, "expires"),
        ({"expires": "90d", "max_lifetime_days": 30}, "expires"),
        ({"max_lifetime_days": 0}, "max_lifetime_days"),
        ({"max_lifetime_days": 40_000}, "max_lifetime_days"),
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("no:scope",)}, "scopes"),
        ({"environment": "staging"}, "environment"),
        ({"leak_action": "ignore"}, "leak_action"),
        ({"description": "x" * 201}, "description"),
        ({"limits": [{"limit": 0, "window": "1m"}]}, "limits.0.limit"),
        ({"credits": {"amount": -1}}, "credits.amount"),
        ({"credits": {"refill": {"amount": 1, "every": "day"}}}, "credits.amount"),
    ],
)
def test_defaults_have_bounds_and_do_not_contradict(defaults: dict[str, Any], location: str) -> None:
    """Also in a later change."""
    tx = MemoryTransaction()
    with pytest.raises(Invalid) as refused:
        _kind(tx, **defaults)
    assert [one.location for one in refused.value.problems] == [location]
    assert tx.names == []


def test_a_name_and_a_prefix_are_taken_once() -> None:
    """Two kinds with one prefix would look the same."""
    tx = MemoryTransaction()
    _kind(tx)
    for name, prefix in (("acme-live", "other_"), ("other", "acme_live_")):
        with pytest.raises(Conflict) as refused:
            add_kind(tx, name, prefix, KindChange())
        assert refused.value.code == "kind_exists"


def test_a_key_cannot_make_others_grant_what_it_lacks() -> None:
    """Its owner would create a key of the kind, and grant the default scopes unread. Nor does it touch a kind with
    more, or widen one by taking away its scopes: without any, they are those of the default preset.
    """
    tx = MemoryTransaction()
    narrow = tx.by(make_key(tx, "kinds:write", "keys:write", "keys:read"))
    refusals: list[Callable[[], object]] = [
        lambda: _kind(narrow, scopes=("*",)),
        lambda: _kind(narrow),
        lambda: create(narrow, NewKey("n", kind="acme-live")),
        lambda: require_may_create(narrow, NewKey("n", kind="acme-live")),
    ]
    wider = [KindChange(scopes=("keys:read",)), KindChange(description="x"), KindChange(leak_action="notify")]
    refusals += [partial(change_kind, narrow, "acme-live", wanted) for wanted in wider]
    refusals.append(lambda: remove_kind(narrow, "acme-live"))
    add_kind(narrow, "fitting", "fit_", KindChange(scopes=("keys:read",)))
    choices: list[tuple[str, ...] | None] = [("*",), None]
    for scopes in choices:
        refusals.append(partial(change_kind, narrow, "fitting", KindChange(scopes=scopes)))
    _kind(tx, scopes=("usage:read",))
    for refused in refusals:
        with pytest.raises(Forbidden):
            refused()
    assert change_kind(narrow, "fitting", KindChange(description="x")).description == "x"
    remove_kind(narrow, "fitting")


def test_a_session_confirms_its_password_first() -> None:
    """Security rule 29: a kind may turn off what protects leaked keys."""
    tx = MemoryTransaction()
    _kind(tx)
    tx.caller = type(tx.caller)("usr_1", tx.caller.origin, session_digest=b"s", confirmed_at_ms=NOW_MS - DAY_MS)
    with pytest.raises(ReauthRequired):
        add_kind(tx, "other", "other_", KindChange())
    with pytest.raises(ReauthRequired):
        change_kind(tx, "acme-live", KindChange(leak_action="notify"))


def test_the_kind_decides_about_leaked_keys() -> None:
    """Before ARI_LEAK_ACTION."""
    tx = MemoryTransaction()
    _kind(tx, leak_action="revoke")
    made, plain = create(tx, NewKey("n", kind="acme-live")), create(tx, NewKey("n"))
    for one in (made, plain):
        report_leak(tx, LeakReport(one.secret), "notify")
    assert [tx.keys.rows[one.key.id].status(NOW_MS) for one in (made, plain)] == ["revoked", "active"]
