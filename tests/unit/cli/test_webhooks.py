"""``ari webhooks``: how a delivery's result and a webhook's state read."""

from typing import Any

import pytest

from ari.cli.webhooks import describe_result, describe_state, show_secret

DELIVERY = {"state": "waiting", "status": None, "error": None, "next_attempt_at": "2026-11-30T10:00:30.000Z"}
NOW_MS = 1_796_032_800_000
FAULT = "The receiver returned status 500."


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "waiting"),
        ({"state": "sending", "error": FAULT, "next_attempt_at": None}, f"sending: {FAULT}"),
        ({"error": FAULT}, f"waiting: {FAULT} Next attempt 2026-11-30T10:00:30.000Z."),
        ({"state": "failed", "error": FAULT, "next_attempt_at": None}, f"failed: {FAULT}"),
        ({"state": "delivered", "status": 204, "error": None, "next_attempt_at": None}, "delivered: status 204"),
    ],
)
def test_a_result_says_what_happened_and_what_comes(changed: dict[str, Any], expected: str) -> None:
    """In one cell, which stays when the terminal is narrow."""
    assert describe_result({**DELIVERY, **changed}, NOW_MS) == expected


def test_a_state_says_why_it_is_off() -> None:
    """In words."""
    assert describe_state({"on": False, "off_reason": "key_ended"}) == "off (key ended)"
    assert describe_state({"on": True, "failing_since": "2026-11-30T10:00:30.000Z"}) == "failing"


def test_a_pipe_gets_the_secret_alone_and_the_id_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, so that ``secret=$(ari webhooks add …)`` still reads the secret."""
    webhook = {"id": "whk_01KB5Q2W8Z6N4T0V9YRJXH3M7C", "name": "Tickets"}
    show_secret({"webhook": webhook, "secret": "whsec_c2VjcmV0"}, as_json=False)
    shown = capsys.readouterr()
    assert shown.out == "whsec_c2VjcmV0\n"
    assert webhook["id"] in shown.err
    assert "whsec_" not in shown.err
