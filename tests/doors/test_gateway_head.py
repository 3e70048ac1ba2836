"""HEAD through the gateway: to the provider as a HEAD, back without a body, counted as nothing used."""

import pytest

from tests.support import raw
from tests.support.gateway import AiGateway

MODELS = "/api/ai/openai/v1/models"


def test_head_goes_to_the_provider_as_head(ai: AiGateway) -> None:
    """The scope of a GET is enough, the head is that of a GET, and the row says what was asked."""
    _, narrow = ai.owner.create_key("narrow", scopes=["ai:openai"])
    got, head = ai.owner.api(narrow).get(MODELS), ai.owner.api(narrow).head(MODELS)
    assert (ai.provider.last.method, ai.provider.last.path) == ("HEAD", "/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type"):
        assert head.headers[name] == got.headers[name]
    answer = ai.client().head(MODELS)
    row = ai.read_usage(answer.headers["x-request-id"])
    assert (row["method"], row["status"]) == ("HEAD", 200)
    assert (row["ai"]["input_tokens"], row["ai"]["output_tokens"], row["ai"]["ended"]) == (0, 0, "complete")


@pytest.mark.parametrize("path", ["files", "fine_tuning/jobs", "models/gpt-x/../../files"])
def test_head_needs_the_scope_of_get(ai: AiGateway, path: str) -> None:
    """A key can't send HEAD for what it can't read."""
    _, narrow = ai.owner.create_key("narrow", scopes=["ai:openai"])
    before = len(ai.provider.seen)
    for method in ("GET", "HEAD"):
        answer = raw.request(
            ai.owner.server.port,
            method.encode(),
            f"/api/ai/openai/v1/{path}".encode(),
            b"x-api-key: " + narrow.encode(),
        )
        assert answer.status in (400, 403)
    assert len(ai.provider.seen) == before


def test_a_mistyped_base_url_is_named_for_head_too(ai: AiGateway) -> None:
    """As for GET: no wider scope is required."""
    _, narrow = ai.owner.create_key("narrow", scopes=["ai:openai"])
    for method in ("GET", "HEAD"):
        assert ai.owner.api(narrow).request(method, "/api/ai/openai/models").status_code == 404


@pytest.mark.parametrize(
    ("model", "status", "length"),
    [
        ("huge", 200, 3_000_026),
        ("gzip", 200, None),
        ("404-key", 404, ...),
        ("redirect", 502, ...),
        ("401", 502, ...),
        ("loud", 200, 16),
    ],
)
def test_nothing_follows_the_head(ai: AiGateway, model: str, status: int, length: object) -> None:
    """As bytes, whatever the provider says; a body would be taken for the next response on the connection."""
    answer = raw.request(ai.owner.server.port, b"HEAD", f"{MODELS}/{model}".encode(), b"x-api-key: " + ai.key.encode())
    assert (answer.status, answer.body) == (status, b"")
    if length is not ...:
        assert answer.headers.get("content-length") == (None if length is None else [str(length)])
    # ARI's own connection to the provider is in order too.
    assert ai.client().get(MODELS).json()["object"] == "list"
