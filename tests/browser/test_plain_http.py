"""Pages on plain http under a name of the network: no Sec-Fetch-Site, no clipboard interface, no Secure cookies."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import SECRET, create_in_dialog
from tests.support import chromium
from tests.support.missing import skip_missing
from tests.support.owner import EMAIL, PASSWORD
from tests.support.server import ServerProcess


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for which names of the network lead here."""
    path = chromium.executable()
    if path is None:
        skip_missing(chromium.MISSING)
    with chromium.chromium(path, "--host-resolver-rules=MAP *.lan 127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers with an owner; ``PORT`` in a setting is the server's."""
    made: list[ServerProcess] = []

    def start(**settings: str) -> ServerProcess:
        folder = tmp_path_factory.mktemp("instance") / "data"
        folder.mkdir(mode=0o700)
        admin = {"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD}
        server = ServerProcess(folder, settings=admin)
        server.settings.update({name: value.replace("PORT", str(server.port)) for name, value in settings.items()})
        made.append(server)
        return server.start()

    yield start
    for server in made:
        server.kill()


@pytest.fixture(scope="module")
def lan(serve: Callable[..., ServerProcess]) -> ServerProcess:
    """An instance whose address is plain http."""
    return serve(ARI_PUBLIC_URL="http://nas.lan:PORT", ARI_ALLOWED_HOSTS="ari.lan")


@pytest.fixture(scope="module")
def https(serve: Callable[..., ServerProcess]) -> ServerProcess:
    """An instance whose address is https."""
    return serve(ARI_PUBLIC_URL="https://ari.example.net", ARI_ALLOWED_HOSTS="nas.lan")


def _sign_in(page: Any, address: str, path: str) -> None:
    page.goto(f"{address}/sign-in?next={path}")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("name", ["nas.lan", "ari.lan"])
def test_a_key_is_created_and_copied(lan: ServerProcess, page: Any, name: str) -> None:
    """By the public address and by a further name; copying works without the clipboard's interface."""
    _sign_in(page, f"http://{name}:{lan.port}", "/settings")
    expect(page.locator("#keys-title")).to_be_visible()
    assert page.evaluate("[isSecureContext, navigator.clipboard === undefined]") == [False, True]
    secret = create_in_dialog(page, f"From {name}")
    page.get_by_role("button", name="Copy key").first.click()
    expect(page.get_by_text("Copied ✓").first).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(f"http://{name}:{lan.port}/settings/keys/new")
    page.get_by_label("Name", exact=True).press("Control+v")
    assert SECRET.findall(page.get_by_label("Name", exact=True).input_value()) == [secret]


def test_the_reference_opens_and_its_requests_work(lan: ServerProcess, page: Any) -> None:
    """It loads its description in the session, and the session writes with its proof."""
    address = f"http://nas.lan:{lan.port}"
    _sign_in(page, address, "/api-docs")
    page.get_by_role("link", name="Open the reference").first.click()
    expect(page.locator("#reference").get_by_text("/api/keys/import").first).to_be_visible()
    csrf = page.locator("#reference").get_attribute("data-csrf")
    made = page.evaluate(
        """async (csrf) => (await fetch("/api/keys", {method: "POST", body: '{"name": "From the reference"}',
            headers: {"content-type": "application/json", "x-csrf-token": csrf}})).status""",
        csrf,
    )
    assert made == 201


def test_other_origins_get_nothing(lan: ServerProcess, page: Any) -> None:
    """A page of another port of the same host, to which the browser sends the same cookies."""
    address = f"http://nas.lan:{lan.port}"
    _sign_in(page, address, "/settings")
    expect(page.locator("#keys-title")).to_be_visible()
    page.route("http://nas.lan:9/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://nas.lan:9/")
    for options in ("{credentials: 'include'}", "{credentials: 'include', method: 'POST'}"):
        code = f"fetch('{address}/api/keys', {options}).then((it) => it.status, () => 'refused')"
        assert page.evaluate(code) == "refused"


def test_https_pages_opened_over_http_say_so(https: ServerProcess, page: Any) -> None:
    """At once by a note, and where a form is sent nevertheless by the refusal: what to open, and what to set."""
    _sign_in(page, f"http://nas.lan:{https.port}", "/settings")
    refusal = page.locator("#refusal")
    expect(refusal).to_contain_text("opened over http, but ARI_PUBLIC_URL is https://ari.example.net")
    page.goto(f"http://nas.lan:{https.port}/sign-in")
    note = page.get_by_role("alert")
    expect(note).to_contain_text("You opened this page over http")
    expect(note.get_by_role("link")).to_have_attribute("href", "https://ari.example.net")


def test_https_pages_opened_on_this_machine_work(https: ServerProcess, page: Any) -> None:
    """Chromium keeps Secure cookies of loopback: nothing is wrong, so nothing is said."""
    _sign_in(page, f"http://127.0.0.1:{https.port}", "/settings")
    expect(page.locator("#keys-title")).to_be_visible()
    expect(page.locator("[data-https-only]")).to_be_hidden()


def test_another_name_is_refused_with_what_to_set(lan: ServerProcess, page: Any) -> None:
    """The page names our address and both settings."""
    answer = page.goto(f"http://box.lan:{lan.port}/")
    assert answer.status == 421
    expect(page.locator("#refusal")).to_contain_text(f"this instance is at http://nas.lan:{lan.port}")
    expect(page.locator("#refusal")).to_contain_text("ARI_ALLOWED_HOSTS")
