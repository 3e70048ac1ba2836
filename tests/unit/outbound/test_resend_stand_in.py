"""The stand-in for Resend is like the real one: Resend's own SDK works with it and understands its refusals."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import resend as support
from tests.support.resend import KEY, StandIn, stand_in

MAIL = {
    "from": "ARI <ari@example.net>",
    "to": ["owner@example.com"],
    "subject": "Hello",
    "html": "<p>Hello</p>",
    "text": "Hello",
}


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, StandIn]]:
    """The official SDK, pointed at the stand-in."""
    import resend

    with stand_in() as there:
        monkeypatch.setattr(resend, "api_url", there.url)
        monkeypatch.setattr(resend, "api_key", KEY)
        yield resend, there


def test_the_sdk_sends(sdk: tuple[Any, StandIn]) -> None:
    """It gets the id of what was taken; the same key again gets the same id and sends nothing more."""
    resend, there = sdk
    first = resend.Emails.send(MAIL, {"idempotency_key": "one"})
    assert resend.Emails.send(MAIL, {"idempotency_key": "one"})["id"] == first["id"]
    assert resend.Emails.send(MAIL)["id"] != first["id"]
    assert [mail.fields for mail in there.taken] == [MAIL, MAIL]


def test_a_key_is_forgotten_after_a_day(sdk: tuple[Any, StandIn]) -> None:
    """Then the same email goes out again: why ARI gives up before."""
    resend, there = sdk
    first = resend.Emails.send(MAIL, {"idempotency_key": "one"})
    there.now = lambda: support.DAY_SECONDS - 1
    assert resend.Emails.send(MAIL, {"idempotency_key": "one"})["id"] == first["id"]
    there.now = lambda: support.DAY_SECONDS
    assert resend.Emails.send(MAIL, {"idempotency_key": "one"})["id"] != first["id"]


def test_the_sdk_understands_the_refusals(sdk: tuple[Any, StandIn]) -> None:
    """Each by its name and status."""
    resend, there = sdk
    from resend import exceptions

    def read_refusal(mail: dict[str, Any], **options: Any) -> tuple[str, int]:
        with pytest.raises(exceptions.ResendError) as caught:
            resend.Emails.send(mail, options)
        return caught.value.error_type, int(caught.value.code)

    assert read_refusal({**MAIL, "from": "nobody"}) == ("invalid_from_address", 422)
    assert read_refusal({name: MAIL[name] for name in ("from", "to", "html")}) == ("missing_required_field", 422)
    assert read_refusal({**MAIL, "from": "ari@example.org"}) == ("validation_error", 403)
    assert read_refusal({**MAIL, "from": "onboarding@resend.dev", "to": ["x@example.org"]}) == ("validation_error", 403)
    assert read_refusal(MAIL, idempotency_key="k" * 257) == ("invalid_idempotency_key", 400)
    resend.Emails.send(MAIL, {"idempotency_key": "one"})
    assert read_refusal({**MAIL, "subject": "Other"}, idempotency_key="one") == ("invalid_idempotent_request", 409)
    there.faults += ["rate", "500", "busy"]
    assert read_refusal(MAIL) == ("rate_limit_exceeded", 429)
    assert read_refusal(MAIL)[1] == 500
    assert read_refusal(MAIL) == ("concurrent_idempotent_requests", 409)
    resend.api_key = "re_other"
    assert read_refusal(MAIL) == ("validation_error", 401)
    assert len(there.taken) == 1
