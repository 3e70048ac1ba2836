"""How pages say things."""

from dataclasses import replace

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.keys.expiry import EXPIRY_CHOICES, ExpiryChoice
from ari.keys.model import ApiKey
from ari.keys.reasons import REASONS
from ari.web import words

NOW_MS = 1_800_000_000_000
KEY = ApiKey("key_1", "Name", "ari_k_abcd…wxyz", ("api:read",), NOW_MS - DAY_MS, "usr_1")


@pytest.mark.parametrize(
    ("distance_ms", "text"),
    [
        (83 * DAY_MS, "in 83 days"),
        (90 * DAY_MS - SECOND_MS, "in 90 days"),
        (365 * DAY_MS, "in 1 year"),
        (800 * DAY_MS, "in 2 years"),
        (HOUR_MS, "in 1 hour"),
        (HOUR_MS - SECOND_MS, "in 1 hour"),
        (47 * HOUR_MS, "in 47 hours"),
        (MINUTE_MS, "in 1 min"),
        (SECOND_MS, "in less than a minute"),
        (0, "in less than a minute"),
        (-SECOND_MS, "just now"),
        (-2 * MINUTE_MS, "2 min ago"),
        (-41 * DAY_MS, "41 days ago"),
    ],
)
def test_relative_times_read_naturally(distance_ms: int, text: str) -> None:
    """The largest fitting unit, rounded; a moment ago is just now."""
    assert words.relative(NOW_MS + distance_ms, NOW_MS) == text


@pytest.mark.parametrize("choice", [choice for choice in EXPIRY_CHOICES.values() if choice.lifetime_ms])
def test_a_new_key_expires_in_what_was_chosen(choice: ExpiryChoice) -> None:
    """A second after creation the page still says the length that was picked."""
    assert choice.lifetime_ms is not None
    assert words.relative(NOW_MS + choice.lifetime_ms, NOW_MS + SECOND_MS) == f"in {choice.label}"


def test_exact_times_are_utc() -> None:
    """Day, month in letters, time to the second and the zone."""
    assert words.exact(NOW_MS) == "Jan 15, 2027, 08:00:00 UTC"


@pytest.mark.parametrize(
    ("key", "badge"),
    [
        (KEY, ("good", "Active")),
        (replace(KEY, expires_at_ms=NOW_MS + 8 * DAY_MS), ("good", "Active")),
        (replace(KEY, expires_at_ms=NOW_MS + 7 * DAY_MS), ("soon", "Expires in 7 days")),
        (replace(KEY, expires_at_ms=NOW_MS + HOUR_MS), ("soon", "Expires in 1 hour")),
        (replace(KEY, disabled=True, expires_at_ms=NOW_MS + HOUR_MS), ("off", "Disabled")),
        (replace(KEY, expires_at_ms=NOW_MS), ("over", "Expired")),
        (replace(KEY, expires_at_ms=NOW_MS + 1, expired_seen_at_ms=NOW_MS), ("over", "Expired")),
        (replace(KEY, expires_at_ms=NOW_MS, revoked_at_ms=NOW_MS), ("over", "Revoked")),
    ],
)
def test_badges_say_the_state_in_words(key: ApiKey, badge: tuple[str, str]) -> None:
    """Revoked beats expired, expired beats disabled, and the last seven days are amber."""
    assert words.badge(key, NOW_MS) == badge


@pytest.mark.parametrize(
    ("age_ms", "left_ms", "kind"),
    [
        (0, 7 * DAY_MS, "good"),
        (DAY_MS - 1, 6 * DAY_MS, "good"),
        (DAY_MS, 6 * DAY_MS, "soon"),
        (11 * HOUR_MS, 13 * HOUR_MS, "good"),
        (12 * HOUR_MS, 12 * HOUR_MS, "soon"),
    ],
)
def test_a_new_key_has_no_warning_about_the_expiry_just_chosen(age_ms: int, left_ms: int, kind: str) -> None:
    """On its first day a key is amber only once half of its life is over."""
    key = replace(KEY, created_at_ms=NOW_MS - age_ms, expires_at_ms=NOW_MS + left_ms)
    assert words.badge(key, NOW_MS).kind == kind


@pytest.mark.parametrize(
    ("key", "used_days_ago", "badge"),
    [
        (KEY, None, ("off", "Never used")),
        (replace(KEY, created_at_ms=NOW_MS - DAY_MS + 1), None, None),
        (KEY, 29, None),
        (KEY, 30, ("soon", "Unused for 30 days")),
        (KEY, 41, ("soon", "Unused for 41 days")),
        (replace(KEY, disabled=True), 41, None),
        (replace(KEY, revoked_at_ms=NOW_MS), None, None),
    ],
)
def test_a_second_badge_points_out_keys_that_lie_idle(
    key: ApiKey, used_days_ago: int | None, badge: tuple[str, str] | None
) -> None:
    """Only keys that work: of the others the state says enough."""
    used_at_ms = None if used_days_ago is None else NOW_MS - used_days_ago * DAY_MS
    assert words.use_badge(key, used_at_ms, NOW_MS) == badge


def test_every_refusal_has_words() -> None:
    """No code of the log is shown raw."""
    assert words.outcome("ok") == "Key ok"
    assert words.outcome("expired") == "API key expired"
    assert {words.outcome(code) for code in REASONS}.isdisjoint(REASONS)
    assert words.outcome("from_the_future") == "From the future"


def test_actors_have_names() -> None:
    """You, the owner, the command line, ARI itself."""
    assert words.actor("usr_1", "usr_1") == "you"
    assert words.actor("usr_1", "usr_2") == "the owner"
    assert words.actor("cli:alice", None) == "alice (CLI)"
    assert words.actor("system", None) == "ARI"


def test_numbers_and_durations() -> None:
    """Thousands are separated, nouns agree, durations fit their size."""
    assert words.pluralize(1, "key") == "1 key"
    assert words.pluralize(18_204, "request") == "18,204 requests"
    assert [words.duration(ms) for ms in (None, 0.42, 9.4, 1_234.0)] == ["—", "0.4 ms", "9 ms", "1.2 s"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ok", "Key: ok"),
        ("ip_not_allowed", "Key: IP not allowed"),
        ("budget_exhausted", "Budget used up"),
        ("rate_limited", "Too many requests"),
        ("not_found", "Refused: Not found"),
    ],
)
def test_a_verdict_names_the_key_only_where_it_is_about_the_key(code: str, text: str) -> None:
    """A budget that is used up says nothing about the key."""
    assert words.verdict(code) == text


def test_hosts_paths_and_types_break_between_words() -> None:
    """After a full stop, a slash or an underscore; nothing is lost."""
    assert words.split_for_breaks("budget.threshold_reached") == ["budget.", "threshold_", "reached"]
    assert words.split_for_breaks("https://a.example/v1") == ["https://", "a.", "example/", "v1"]
    for text in ("key.created", "a", "a..b_", "", "/", "<b>.&"):
        assert "".join(words.split_for_breaks(text)) == text
