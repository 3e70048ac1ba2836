"""The monthly email about unused keys."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["keys_unused"]


def test_it_lists_the_first_keys_and_counts_the_others() -> None:
    """The email stays small, however many keys there are."""
    content = compose_sample(KIND.name)
    assert content.subject == "31 API keys unused for 30 days"
    assert len(content.facts) == 21
    assert content.facts[-1] == ("And", "11 more")
    assert content.path == "/settings?tab=api"


def test_a_key_that_was_never_used_is_called_so() -> None:
    """Others show when they were last used."""
    values = [value for _, value in compose_sample(KIND.name).facts]
    assert values[0] == "never used"
    assert values[1].startswith("last used Oct 25, 2026")
