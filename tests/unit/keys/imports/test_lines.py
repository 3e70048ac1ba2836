"""A line of an import: what is required, the bounds of each field, and no secret in a message."""

from hashlib import sha256
from typing import Any

import pytest

from ari.base.clock import DAY_MS, to_rfc3339
from ari.base.errors import Invalid
from ari.keys.imports.lines import ImportLine, parse_line
from ari.keys.model_rules import ModelRules
from ari.keys.token import mint
from tests.unit.keys.memory import NOW_MS

KEY = "acme-secret-0123"
LINE = {"name": "Shop", "hash": sha256(KEY.encode()).hexdigest(), "scheme": "sha256-hex"}


def _parse(**fields: Any) -> ImportLine:
    return parse_line(LINE | fields, NOW_MS)


def test_three_fields_are_enough() -> None:
    """The rest has the defaults of a new key; ``null`` is no field."""
    line = _parse(expires_at=None, scopes=None, disabled=None, hint=None)
    assert (line.scopes, line.expires_at_ms, line.made_at_ms, line.disabled) == (("api:read",), None, None, False)
    assert line.hint == "…"


def test_models_of_an_imported_key() -> None:
    """In lower case; another shape or a wrong pattern is refused at its field."""
    assert _parse(models={"allow": ["OpenAI/*"]}).models == ModelRules(("openai/*",))
    wrongs: tuple[Any, ...] = ([], {"allow": "x"}, {"other": []}, {"deny": [1]}, {"deny": ["/"]})
    for wrong in wrongs:
        with pytest.raises(Invalid) as caught:
            _parse(models=wrong)
        assert [problem.location for problem in caught.value.problems] == ["models"]


def test_budgets_of_an_imported_key() -> None:
    """As for a new key; another shape, an unknown field or a wrong value is refused at its field."""
    given = {"amount_usd": "25.00", "period": "month", "time_zone": "Europe/Berlin"}
    [budget] = _parse(budgets=[given]).budgets
    assert (budget.name, budget.amount, budget.time_zone) == ("default", 25_000_000, "Europe/Berlin")
    wrongs: list[tuple[Any, str]] = [
        ({}, "budgets"),
        (["25usd/month"], "budgets"),
        ([given] * 101, "budgets"),
        ([given, given], "budgets.1.name"),
        ([given | {"increases": []}], "budgets.0"),
        ([given | {"amount_usd": 25}], "budgets.0.amount_usd"),
        ([given | {"period": "year"}], "budgets.0.period"),
    ]
    for wrong, location in wrongs:
        with pytest.raises(Invalid) as caught:
            _parse(budgets=wrong)
        assert [problem.location for problem in caught.value.problems] == [location]


def test_limits_of_an_imported_key() -> None:
    """As for a new key, next to budgets; mistakes are refused at their field."""
    line = _parse(limits=[{"name": "rpm", "limit": 60, "window": "1m"}], budgets=[{"amount_usd": "5", "period": "day"}])
    assert [(one.name, one.limit, one.window_ms) for one in line.limits] == [("rpm", 60, 60_000)]
    assert len(line.budgets) == 1
    wrongs: list[tuple[Any, str]] = [
        ({}, "limits"),
        ([{"limit": 60}], "limits.0.window"),
        ([{"limit": "60", "window": "1m"}], "limits.0.limit"),
        ([{"limit": 60, "window": "1m", "cost": 1}], "limits.0"),
    ]
    for wrong, location in wrongs:
        with pytest.raises(Invalid) as caught:
            _parse(limits=wrong)
        assert [problem.location for problem in caught.value.problems] == [location]


def test_all_fields() -> None:
    """Times are RFC 3339."""
    then, later = to_rfc3339(NOW_MS - DAY_MS), to_rfc3339(NOW_MS + DAY_MS)
    line = _parse(created_at=then, expires_at=later, scopes=["keys:read"], disabled=True, hint="acme", last4="0123")
    assert (line.made_at_ms, line.expires_at_ms) == (NOW_MS - DAY_MS, NOW_MS + DAY_MS)
    assert (line.scopes, line.disabled, line.hint) == (("keys:read",), True, "acme…0123")


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"last4": "0123"}, "…0123"),
        ({"hint": "sk-...0123"}, "sk-...0123"),
        ({"hint": "acme…", "last4": "01"}, "acme…01"),
        ({"foreign_id": "1204"}, "1204…"),
    ],
)
def test_the_hint_shows_the_known_parts(fields: dict[str, str], hint: str) -> None:
    """People recognize the key by it."""
    assert _parse(**fields).hint == hint


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"hash": None}, "hash"),
        ({"hash": "x" * 2_000}, "hash"),
        ({"scheme": "md5"}, "scheme"),
        ({"scopes": "api:read"}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["api:read"] * 101}, "scopes"),
        ({"tags": ["T"]}, "tags"),
        ({"tags": "t"}, "tags"),
        ({"metadata": []}, "metadata"),
        ({"addresses": ["10.0.0.1/8"]}, "addresses"),
        ({"environment": "staging"}, "environment"),
        ({"consumer": 7}, "consumer"),
        ({"scopes": ["no:scope"]}, "scopes"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": to_rfc3339(NOW_MS)}, "expires_at"),
        ({"created_at": to_rfc3339(NOW_MS + 1)}, "created_at"),
        ({"disabled": "yes"}, "disabled"),
        ({"hint": "x" * 25}, "hint"),
        ({"hint": "a\u202eb"}, "hint"),
        ({"last4": "12345"}, "last4"),
        ({"key": KEY}, "line"),
    ],
)
def test_each_field_has_bounds(fields: dict[str, Any], location: str) -> None:
    """The problem names the field."""
    with pytest.raises(Invalid) as refused:
        _parse(**fields)
    assert [one.location for one in refused.value.problems] == [location]


def test_the_key_itself_is_no_hint_and_in_no_message() -> None:
    """Short keys would fit."""
    with pytest.raises(Invalid) as refused:
        _parse(hint=KEY)
    assert KEY not in str(refused.value)
    short = sha256(b"abc").hexdigest()
    for fields in ({"last4": "abc"}, {"hint": "ab", "last4": "c"}, {"hint": "ab…", "last4": "c"}, {"hint": "a...bc"}):
        with pytest.raises(Invalid, match="whole key"):
            _parse(hash=short, **fields)


@pytest.mark.parametrize("foreign_id", [pytest.param(mint(), id="ARI's own"), KEY, f"12|{KEY}", f"acme.{KEY}"])
def test_a_key_is_no_foreign_id(foreign_id: str) -> None:
    """It is stored as it is, and its beginning is shown: the columns of an export may be mixed up."""
    with pytest.raises(Invalid) as refused:
        _parse(foreign_id=foreign_id)
    assert [one.location for one in refused.value.problems] == ["foreign_id"]
    assert KEY not in str(refused.value)


def test_all_missing_fields_are_named_at_once() -> None:
    """One round trip."""
    with pytest.raises(Invalid) as refused:
        parse_line({}, NOW_MS)
    assert [one.location for one in refused.value.problems] == ["name", "hash", "scheme"]
    values: list[Any] = [None, [], "text", 7]
    for value in values:
        with pytest.raises(Invalid, match="JSON object"):
            parse_line(value, NOW_MS)


def test_all_problems_of_a_line_are_named_at_once() -> None:
    """A file with many lines is corrected in one round."""
    wrong = {"name": "", "hash": "x", "scopes": ["no:x"], "expires_at": "x", "created_at": "2999-01-01T00:00:00Z"}
    with pytest.raises(Invalid) as refused:
        _parse(**wrong, environment="x", tags=["No Tag"], metadata={"n": 2**60}, addresses=["x"])
    places = ["addresses", "created_at", "environment", "expires_at", "hash", "metadata", "name", "scopes", "tags"]
    assert sorted(one.location for one in refused.value.problems) == places
