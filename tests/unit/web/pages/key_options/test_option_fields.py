"""Reading the form for a key's options: all problems at once, each at its field, and nothing is lost on the way."""

from typing import Any

import pytest

from ari.base.problems import Problems
from ari.keys.limits.fields import parse_limits
from ari.keys.limits.rules import Credits, LimitRules, Refill
from ari.keys.model import ApiKey, Consumer
from ari.keys.model_rules import ModelRules
from ari.keys.policy import Policy
from ari.web.forms import Form
from ari.web.pages.key_limits.limit_form import LIMIT_FIELDS, write_limits
from ari.web.pages.key_options.option_fields import FIELDS, is_plain, read_all, read_options, write_options
from tests.support.instances import START_MS

NOTHING: dict[str, Any] = {
    "environment": "live",
    "consumer": None,
    "tags": (),
    "addresses": (),
    "models": None,
    "metadata": {},
}
PLAIN: dict[str, Any] = NOTHING | {"limits": [], "budgets": [], "credits": None, "expires": "90d"}
KEY = ApiKey(
    id="key_01KB5Q2W8Z6N4T0V9YRJXH3M7C",
    name="Full",
    hint="ari_k_ab…wxyz",
    scopes=("api:read",),
    created_at_ms=0,
    created_by="cli:test",
    environment="test",
    tags=("billing", "team-a"),
    metadata='{"plan":"prö","seats":3}',
    policy=Policy(
        models=ModelRules(("openai/gpt-5*", "my model"), ("x",)),
        addresses=("203.0.113.0/24", "2001:db8::/32"),
        limits=LimitRules(
            1,
            parse_limits([{"limit": 100, "window": "1m"}, {"name": "daily", "limit": 5, "window": "1d"}]),
            Credits(1000, Refill(500, "month", 3, "Europe/Berlin")),
        ),
    ),
    consumer=Consumer("con_01KB5Q2W8Z6N4T0V9YRJXH3M7C", "Acme", external_id="customer_4711"),
)


def problems(**values: str) -> dict[str, str]:
    """The messages of a form that is refused."""
    found = Problems()
    read_all(Form(values), START_MS, found)
    return {one.location: one.message for one in found.found}


def read(**values: str) -> dict[str, Any]:
    """The fields of a form without problems."""
    found = Problems()
    fields = read_all(Form(values), START_MS, found)
    assert not found.found
    return fields


def test_an_empty_form_is_a_plain_key() -> None:
    """Fields that are missing, empty or blank set nothing."""
    assert read_options(Form(), Problems()) == NOTHING
    assert read() == PLAIN
    blank = dict.fromkeys((*FIELDS, *LIMIT_FIELDS), " ") | {"environment": "", "day": ""}
    assert read(**blank) == PLAIN
    assert is_plain(Form({"environment": "live", "name": "Named"}))


def test_options_survive_the_way_through_the_form() -> None:
    """The form of a key, saved untouched, has the same options; a copy has the same limits too."""
    values = write_options(KEY) | write_limits(KEY.policy.limits, with_balance=True)
    assert values["limits"] == "100/1m\ndaily=5/1d"
    assert not is_plain(Form(values))
    assert read(**values) == {
        "environment": "test",
        "consumer": "customer_4711",
        "tags": KEY.tags,
        "addresses": KEY.policy.addresses,
        "models": {"allow": ["openai/gpt-5*", "my model"], "deny": ["x"]},
        "limits": [{"name": "default", "limit": 100, "window": "1m"}, {"name": "daily", "limit": 5, "window": "1d"}],
        "credits": {
            "amount": 1000,
            "refill": {"amount": 500, "every": "month", "hour": 3, "time_zone": "Europe/Berlin"},
        },
        "budgets": [],
        "metadata": {"plan": "prö", "seats": 3},
        "expires": "90d",
    }


def test_a_date_beats_the_choice() -> None:
    """The key lives until the end of that day; a day that has ended is refused at the date's field."""
    fields = read(expires="1h", day="2099-12-31")
    assert (fields["expires_at_ms"], "expires" in fields) == (4_102_444_800_000, False)
    assert problems(day="2001-01-01").keys() == problems(day="soon").keys() == {"expires_at"}


def test_all_problems_are_found_at_once() -> None:
    """Each at its field, in words that show the line."""
    found = problems(
        tags="Billing",
        addresses="203.0.113.7/24",
        models="/x",
        limits="100/1m\nx=5/99d",
        credits="-1",
        refill="5/week",
        hour="x",
        metadata="[1]",
    )
    assert found["tags"].startswith("'Billing' isn't a tag.")
    assert "203.0.113.0/24?" in found["addresses"]
    assert found["limits"].startswith("Limit 2: Use a window")
    assert found["credits"].startswith("Enter a whole number")
    assert found["metadata"].startswith("Use a JSON object")
    assert found.keys() == {"tags", "addresses", "models", "limits", "credits", "refill", "hour", "metadata"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata", "{" * 100_000),
        ("metadata", '{"a": ' + "9" * 5000 + "}"),
        ("metadata", '{"a": NaN}'),
        ("metadata", '{"a": "\\ud800"}'),
        ("metadata", '{"a": "' + "x" * 5000 + '"}'),
        ("limits", "100"),
        ("limits", "\n".join(f"n{number}=1/1m" for number in range(11))),
        ("limits", "1/1m\n2/1m"),
        ("credits", "٣"),
        ("credits", "9" * 30),
        ("refill", "5/day"),
        ("tags", " ".join(f"tag-{number}" for number in range(21))),
        ("addresses", "\n".join(f"10.0.0.{number}" for number in range(101))),
        ("addresses", "fe80::1%eth0"),
    ],
)
def test_hostile_text_is_a_problem_of_its_field(name: str, value: str) -> None:
    """Neither an error of the server nor a value that is cut."""
    expected = "credits" if name == "refill" else name
    assert problems(**{name: value}).keys() == {expected}


def test_a_refill_that_cannot_be_read_is_at_its_own_field() -> None:
    """With credits next to it."""
    assert problems(credits="5", refill="often").keys() == {"refill"}
