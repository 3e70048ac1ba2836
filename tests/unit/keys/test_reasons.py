"""Every refusal has one code, one status and one sentence."""

from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS

ALL = REASONS | REQUEST_ERRORS


def test_codes_are_unique() -> None:
    """A code of the interface means one thing; ``ok`` is the code of accepted requests."""
    assert not set(REASONS) & set(REQUEST_ERRORS)
    assert ACCEPTED not in ALL
    assert all(code == reason.code for code, reason in ALL.items())


def test_no_refusal_has_a_status_of_success() -> None:
    """Promise 1: what cannot be decided is 503."""
    assert all(400 <= reason.status <= 599 for reason in ALL.values())
    assert REASONS["unavailable"].status == 503


def test_dead_keys_are_401() -> None:
    """A client must not retry with the same key."""
    dead = ("missing", "malformed", "unknown", "expired", "revoked", "disabled")
    assert {REASONS[code].status for code in dead} == {401}


def test_sentences_are_whole() -> None:
    """They are shown as they are."""
    for reason in ALL.values():
        assert reason.sentence[0].isupper()
        assert reason.sentence.endswith(".")
        assert not reason.title.endswith(".")
