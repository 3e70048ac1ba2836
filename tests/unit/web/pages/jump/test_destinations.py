"""Pages by a part of their name."""

from ari.web.pages.jump.destinations import PLACES, find_places


def test_each_word_must_fit_and_names_come_first() -> None:
    """Case doesn't matter, and other words than those of the name find a page too."""
    assert [place.name for place in find_places("BUDGETS")] == ["Budgets"]
    assert [place.name for place in find_places("money")] == ["AI usage", "Budgets"]
    assert find_places("consumers")[0].name == "Consumers"
    assert find_places("create consumer")[0].name == "Create consumer"
    assert find_places("create budgets") == []
    assert find_places("") == list(PLACES)
