"""The email about a budget that is nearly or wholly used up."""

from dataclasses import replace

from tests.support.notices import KEY, KEY_ID, compose_sample, event

KIND = "budget_threshold_reached"


def test_it_says_how_much_of_which_budget_is_used() -> None:
    """The link leads to the key."""
    content = compose_sample(KIND)
    facts = dict(content.facts)
    assert content.subject == f"Budget “monthly” of “{KEY['name']}” is used to 81 %"
    assert (facts["Used"], facts["Budget amount"]) == ("20.40 US dollars", "25.00 US dollars")
    assert content.path == f"/settings/keys/{KEY_ID}"
    assert "refused" not in content.summary


def test_a_shared_budget_that_is_used_up() -> None:
    """It names its owner, and says that requests may be refused."""
    used = event(KIND, budget="all", threshold=100, used_tokens=1_000, limit_tokens=1_000)
    content = compose_sample(KIND, replace(used, subject="provider:openai"))
    facts = dict(content.facts)
    assert content.subject == "Budget “all” of the provider “openai” is used up (100 %)"
    assert (facts["Of"], facts["Used"]) == ("the provider “openai”", "1,000 tokens")
    assert "refused" in content.summary


def test_the_owner_is_named() -> None:
    """A refusal after 80 percent doesn't use a budget up: the email says what is true."""
    used = event(KIND, budget="monthly", threshold=100, used_percent=97, name="ana")
    shared = event(KIND, budget="monthly", threshold=50, used_percent=62)
    assert compose_sample(KIND, replace(used, subject="con_1")).subject == (
        "Budget “monthly” of “ana” has too little left for a request (97 % used)"
    )
    content = compose_sample(KIND, replace(shared, subject="instance"))
    assert content.subject == "Budget “monthly” of the instance is used to 62 %"
