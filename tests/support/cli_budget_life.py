"""The life of shared budgets at the command line, which two ways to reach an instance are compared by."""

import shlex

from tests.support.cli_life import Place

BUDGETS = """
budgets list
budgets set --budget monthly=500usd/month --time-zone Asia/Tokyo
budgets set --provider openai --budget 200usd/month --budget burst=9000tokens/1h?
budgets set --provider groq --budget 9usd/day --json
budgets increase 10usd --budget monthly
budgets increase 10usd --provider openai --json
budgets reset --yes
budgets reset --provider openai --budget burst --yes
budgets show
budgets show --provider openai --json
budgets list
budgets list --json
budgets remove --provider openai --yes
budgets remove --provider groq --yes
budgets remove --yes
budgets set
budgets set --budget 5
budgets set --budget 0usd/month
budgets set --budget 5usd/month --time-zone Nowhere
budgets set --provider nobody --budget 5usd/month
budgets show --provider nobody
budgets increase 5
budgets increase 5usd
budgets increase 5usd --provider nobody
budgets reset --yes
budgets reset --provider openai --budget other --yes
"""
"""A life of their own: a key that may use AI can't loosen the budgets that bind it."""


def run_budgets(place: Place) -> list[tuple[str, tuple[int, str, str]]]:
    """What each command of ``BUDGETS`` says; it ends without budgets, as it began."""
    return [(line, place.run(shlex.split(line))) for line in BUDGETS.strip().splitlines()]
