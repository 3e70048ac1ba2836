"""Advice for callers."""

from ari.keys.reasons import REASONS, REQUEST_ERRORS
from ari.web.pages.error_code.caller_advice import ADVICE


def test_every_refusal_of_a_key_has_advice() -> None:
    """In whole sentences, and for no code that there isn't."""
    assert set(REASONS) <= set(ADVICE) <= set(REASONS | REQUEST_ERRORS)
    for text in ADVICE.values():
        assert (text[0].isupper(), text[-1]) == (True, "."), text
