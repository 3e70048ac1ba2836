"""A fault is problem details for programs and a page for people."""

from pathlib import Path
from typing import Any

import pytest

from ari.http.fault_response import fault_response
from ari.http.problem import Fault
from ari.keys.reasons import REQUEST_ERRORS
from tests.support.contexts import a_context, a_key
from tests.support.instances import settings_for

NOT_FOUND = Fault(REQUEST_ERRORS["not_found"])
KEY = (b"x-api-key", b"hunter2")


class Services:
    """Only what a fault's response asks for."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = settings_for(data_dir, None)

    def error_page(self, *_: object) -> bytes:
        return b"<html>"


@pytest.mark.parametrize(
    ("target", "headers", "has_key", "media_type"),
    [
        ("/settings", (), False, b"text/html; charset=utf-8"),
        ("/api/keys", (), False, b"application/problem+json"),
        ("/settings", (KEY,), False, b"application/problem+json"),
        ("/settings", (), True, b"application/problem+json"),
    ],
)
def test_programs_get_problem_details(
    data_dir: Path, target: str, headers: tuple[Any, ...], has_key: bool, media_type: bytes
) -> None:
    """Anyone who sends a key is a program, also on a page; neither form repeats the key."""
    services: Any = Services(data_dir)
    context = a_context("GET", target, *headers, key=a_key() if has_key else None)
    found = fault_response(context, services, NOT_FOUND)
    sent = dict(found.headers)
    assert (found.status, sent[b"content-type"]) == (404, media_type)
    assert sent[b"content-length"] == b"%d" % len(found.body)
    assert b"hunter2" not in found.body


def test_a_stage_may_choose_the_form(data_dir: Path) -> None:
    """Errors of endpoints under /api are problem details whatever the browser is."""
    services: Any = Services(data_dir)
    found = fault_response(a_context("GET", "/settings"), services, NOT_FOUND, as_problem=True)
    assert dict(found.headers)[b"content-type"] == b"application/problem+json"


def test_the_sdks_of_ai_providers_find_the_words_where_they_look(data_dir: Path) -> None:
    """Under /api/ai only: they read ``error.message``, and repeat a 409 unless a header forbids it."""
    services: Any = Services(data_dir)
    conflict = Fault(REQUEST_ERRORS["not_configured"])
    for target, is_for_sdks in (("/api/ai/openai/v1/models", True), ("/api/keys", False)):
        found = fault_response(a_context("GET", target), services, conflict)
        assert (b'"error":{' in found.body) == is_for_sdks
        assert ((b"x-should-retry", b"false") in found.headers) == is_for_sdks
