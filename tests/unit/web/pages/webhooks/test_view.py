"""Words of Settings > Webhooks."""

from ari.web.pages.webhooks.view import split_type


def test_long_types_break_between_words() -> None:
    """After a full stop or an underscore, and nothing is lost."""
    assert split_type("budget.threshold_reached") == ["budget.", "threshold_", "reached"]
    for name in ("key.created", "a", "a..b_", ""):
        assert "".join(split_type(name)) == name
