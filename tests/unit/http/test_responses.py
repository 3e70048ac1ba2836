"""Whole responses without a framework."""

import json

from ari.http.responses import json_response, redirect


def test_json_has_the_length_of_its_bytes() -> None:
    """Not of its characters: a client would wait for the rest, or cut it off."""
    found = json_response({"name": "…é"})
    assert json.loads(found.body) == {"name": "…é"}
    assert dict(found.headers)[b"content-length"] == b"%d" % len(found.body)


def test_htmx_is_sent_elsewhere_by_a_header_of_its_own() -> None:
    """It would follow a 303 behind the page and put the whole target into a part of it."""
    plain, by_htmx = redirect("/sign-in", htmx=False), redirect("/sign-in", htmx=True)
    assert (plain.status, dict(plain.headers)[b"location"]) == (303, b"/sign-in")
    assert (by_htmx.status, dict(by_htmx.headers)[b"hx-redirect"]) == (200, b"/sign-in")
    assert b"location" not in dict(by_htmx.headers)
