"""The emails that an instance can send, and what of an address is shown."""

import pytest

from ari.notifications.model import Email, MailConfig


@pytest.mark.parametrize(
    ("sender", "link_base", "can_send", "can_link"),
    [
        ("smtp", "https://ari.example.net", True, True),
        ("smtp", None, True, False),
        (None, "https://ari.example.net", False, False),
    ],
)
def test_an_email_with_a_link_needs_a_public_url(
    sender: str | None, link_base: str | None, can_send: bool, can_link: bool
) -> None:
    """security.md 3: a link made from the request's Host would lead where a stranger wants."""
    config = MailConfig(sender, "ARI <ari@example.net>", link_base)
    assert (config.can_send, config.can_link) == (can_send, can_link)


def test_a_secret_link_is_in_no_traceback() -> None:
    """The HTML of a password reset has it."""
    assert "hunter2" not in repr(Email("a@example.net", "b@example.net", "Reset", "…", "<a href='/hunter2'>"))
