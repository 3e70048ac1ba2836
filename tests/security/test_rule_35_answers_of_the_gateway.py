"""security.md 35: what a provider responds cannot act in a browser, and no browser session opens the gateway."""

from typing import Any

import pytest

from tests.support.gateway import CHAT, AiGateway
from tests.support.provider_formats import BAD_HEADERS

ALWAYS = {
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
HTML = "/api/ai/openai/v1/models/html"


@pytest.mark.parametrize("model", ["gpt-x", "html", "loud", "429", "401", "400-key", "redirect", "gzip"])
def test_every_response_is_in_a_sandbox(ai: AiGateway, model: str) -> None:
    """The provider's responses, its errors and ours."""
    answer = ai.client().post(CHAT, json={"model": model})
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS


def test_refusals_are_in_a_sandbox_too(ai: AiGateway) -> None:
    """Without a key, with a bad one, at a bad path, with a bad query."""
    nobody = ai.owner.api()
    answers = [
        nobody.get(HTML),
        nobody.get(HTML, headers={"x-api-key": "ari_k_no"}),
        ai.client().get("/api/ai/nobody/models"),
        ai.client().get(f"{HTML}?key=x"),
        ai.client().request("OPTIONS", HTML),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 404, 400, 405]
    for answer in answers:
        assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS


def test_headers_that_act_do_not_pass(ai: AiGateway) -> None:
    """What passes is on a list; ours are not replaced."""
    answer = ai.client().post(CHAT, json={"model": "loud"})
    assert answer.json() == {"model": "loud"}
    kept = {name: value for name, value in BAD_HEADERS.items() if answer.headers.get(name) == value}
    assert kept == {}
    assert answer.headers["x-provider-request-id"] == "req_theirs"
    assert answer.headers["x-request-id"].startswith("req_01")


def test_what_is_no_data_leaves_as_a_download(ai: AiGateway) -> None:
    """HTML from a provider is a file."""
    answer = ai.client().get(HTML)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.text.startswith("<script>")


def test_a_session_is_no_key(ai: AiGateway) -> None:
    """A page in the owner's browser spends nothing: 401 with the cookie, and the provider hears nothing."""
    session = ai.owner.session()
    for method in ("GET", "POST"):
        answer = session.request(method, HTML, headers={"x-csrf-token": "x"})
        assert (answer.status_code, answer.json()["code"]) == (401, "missing")
    assert ai.provider.seen == []


@pytest.mark.parametrize("dest", ["document", "iframe", "script", "serviceworker"])
def test_a_browser_does_not_load_responses(ai: AiGateway, dest: str) -> None:
    """403 before the provider is asked, and a row that says so."""
    answer = ai.client().get(HTML, headers={"sec-fetch-dest": dest})
    assert answer.status_code == 403
    assert ai.provider.seen == []
    assert ai.row(answer.headers["x-request-id"])["status"] == 403


def test_nothing_runs_in_a_browser(ai: AiGateway, context: Any) -> None:
    """Chromium, with the key in every request: refused as a page; and shown with the headers of a plain response, where
    no ``Sec-Fetch-Dest`` warned us, neither the document nor a frame nor a script of it runs."""
    answers = {kind: ai.client().get(f"/api/ai/openai/v1/models/{kind}") for kind in ("html", "gpt-x")}
    context.set_extra_http_headers({"x-api-key": ai.key})
    page = context.new_page()
    shown = page.goto(f"{ai.url}{HTML}")
    assert shown.status == 403

    def without_warning(route: Any) -> None:
        answer = answers["html"]
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    page.route("**/plain/**", without_warning)
    page.goto(f"{ai.url}/sign-in")
    page.set_content("<title>quiet</title><iframe src='/plain/frame'></iframe><script src='/plain/script'></script>")
    page.wait_for_load_state("networkidle")
    assert page.title() == "quiet"
    assert [frame.evaluate("document.title") for frame in page.frames if "plain" in frame.url] in ([], [""])
    with pytest.raises(Exception, match="Download is starting"):
        page.goto(f"{ai.url}/plain/document")
