"""Options for limits, credits, budgets and AI models."""

import pytest
import typer

from ari.base.problems import Problems
from ari.cli.rule_args import ChosenRules, choose_rules
from ari.keys import UNSET


def test_rules_without_options_are_left_as_they_are() -> None:
    """The hour and the time zone alone mean nothing."""
    problems = Problems()
    found = choose_rules(problems, None, None, None, 3, "Europe/Berlin", None, None, None)
    assert (found, problems.found) == (ChosenRules(UNSET, UNSET, UNSET, UNSET), ())


def test_empty_options_remove_rules() -> None:
    """As the help says."""
    found = choose_rules(Problems(), [""], None, None, 0, "UTC", [""], [""], None, no_credits=True)
    assert found == ChosenRules([], None, [], None)


def test_all_problems_are_found_at_once() -> None:
    """Valid rules are there; a contradiction of two options is an error of usage."""
    problems = Problems()
    found = choose_rules(problems, ["x"], 5, "x", 0, "UTC", ["x"], ["openai/*"], None)
    assert found == ChosenRules(UNSET, UNSET, UNSET, {"allow": ["openai/*"], "deny": []})
    assert [one.location for one in problems.found] == ["limits", "credits.refill", "budgets"]
    with pytest.raises(typer.BadParameter, match="--no-credits contradicts"):
        choose_rules(problems, None, 5, None, 0, "UTC", None, None, None, no_credits=True)
