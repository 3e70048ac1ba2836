"""What browser tests share: the owner's page, and the steps that many of them begin with."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import check_nothing_scrolls_sideways, enter
from tests.support.owner import Owner, start_owner
from tests.support.server import ServerProcess

# Pages refresh every five seconds; a busy machine is slower.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """The owner of a running server that the module's tests share; each makes keys of its own names."""
    folder = tmp_path_factory.mktemp("instance") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder))
    yield found
    found.close()
    found.server.kill()


@pytest.fixture
def look(axe: Callable[[Any], list[dict[str, Any]]]) -> Callable[[Any], None]:
    """Wait for motion to end, then let axe look; also nothing may scroll sideways."""

    def check(page: Any) -> None:
        page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => null)")
        found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe(page)]
        assert found == [], page.url
        check_nothing_scrolls_sideways(page)

    return check


@pytest.fixture
def home(owner: Any, page: Any) -> Any:
    """A page at Settings > API, signed in as the owner."""
    enter(page, owner)
    return page


@pytest.fixture
def plain(owner: Any, browser: Any) -> Iterator[Any]:
    """The same in a browser whose scripting is switched off."""
    context = browser.new_context(java_script_enabled=False, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(15_000)
    page = context.new_page()
    enter(page, owner)
    yield page
    context.close()


@pytest.fixture
def watch_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Makes pages that write down every dialog, CSP report and console error in ``page.complaints``."""

    def make(**options: Any) -> Any:
        context = browser.new_context(locale="en-GB", timezone_id="UTC", **options)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.complaints = []
        page.on("dialog", lambda dialog: (page.complaints.append(f"dialog {dialog.message}"), dialog.accept()))
        page.on("pageerror", lambda error: page.complaints.append(f"error {error}"))
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => console.error('CSP', event.violatedDirective, event.blockedURI))"
        )
        made.append(context)
        return page

    made: list[Any] = []
    yield make
    for context in made:
        context.close()
