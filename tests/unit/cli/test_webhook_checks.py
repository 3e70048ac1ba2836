"""What ``ari doctor`` says about webhooks."""

from dataclasses import replace

from ari.cli.webhook_checks import check_webhooks
from ari.webhooks.model import Webhook

FINE = Webhook("whk_1", "Tickets", "https://example.com/…", "usr_1", "standard", ("*",), 0, "usr_1")


def test_webhooks_that_work_are_counted() -> None:
    """One that someone paused is no problem."""
    assert check_webhooks([], 0).message == "none"
    found = check_webhooks([FINE, replace(FINE, id="whk_2", off_reason="paused")], 1)
    assert (found.state, found.message) == ("ok", "2 webhooks, 1 event to send")


def test_those_that_need_someone_are_named() -> None:
    """A webhook that fails, and those that ARI turned off."""
    hooks = [replace(FINE, failing_since_ms=1), replace(FINE, id="whk_2", off_reason="key_ended")]
    found = check_webhooks(hooks, 12)
    assert found.state == "note"
    assert "whk_1 (failing), whk_2 (off: key ended)" in found.message
