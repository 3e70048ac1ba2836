"""What all tests share: databases, servers, the owner, the command line, the browser. Built in ``tests/support``."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import scratch
from tests.support.missing import REQUIRE_ALL, skip_missing
from tests.support.server import ServerProcess

# Here, because the benchmarks import these modules too, and their tests are collected before the proxies'.
pytest.register_assert_rewrite("tests.proxies.behavior", "tests.proxies.hostile", "tests.proxies.paths")
scratch.use()
# Generated examples have no deadline, which a busy machine would miss.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.django_settings"
"""Django REST framework reads its settings when it is imported."""


@dataclass(frozen=True)
class Database:
    """The data location of an instance under test; no address means SQLite files in the data directory."""

    kind: str
    url: str | None


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data directory that only this user may read."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """The PostgreSQL server of this test run."""
    from tests.support import postgres

    with postgres.postgres_server() as server:
        if server is None:
            skip_missing(postgres.MISSING)
        yield server


@pytest.fixture
def postgres_url(postgres: Any) -> Iterator[str]:
    """An empty PostgreSQL database of the test's own."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Runs the test once on each database, empty at its start."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return Database(request.param, url)


@pytest.fixture
def database_url(database: Database) -> str | None:
    """The address of the test's database; None means SQLite files in ``data_dir``."""
    return database.url


@pytest.fixture
def make_server(data_dir: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Makes servers, not yet started, on the test's data directory; all of them end with the test."""
    made: list[ServerProcess] = []

    def make(folder: Path = data_dir, **options: Any) -> ServerProcess:
        made.append(ServerProcess(folder, **options))
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def server(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    """A running server on SQLite, without an owner."""
    return _start_migrated(make_server())


@pytest.fixture
def server_on(make_server: Callable[..., ServerProcess], database: Database) -> ServerProcess:
    """A running server, once on each database, without an owner."""
    return _start_migrated(make_server(database_url=database.url))


def _start_migrated(server: ServerProcess) -> ServerProcess:
    from tests.support.instances import prepare

    prepare(server.data_dir, server.settings["ARI_DATABASE_URL"])
    return server.start()


@pytest.fixture
def make_owner(make_server: Callable[..., ServerProcess]) -> Iterator[Callable[..., Any]]:
    """Makes running servers that have an owner; options are those of ``ServerProcess``."""
    from tests.support.owner import Owner, start_owner

    made: list[Owner] = []

    def make(**options: Any) -> Owner:
        made.append(start_owner(make_server(**options)))
        return made[-1]

    yield make
    for owner in made:
        owner.close()


@pytest.fixture(scope="session")
def shared_owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The owner of one running server for many tests, on SQLite.

    For tests that look only at keys of their own making: such a test neither stops the server, nor moves its clock,
    nor signs in (attempts are limited), nor imports keys, nor counts what others may add to.
    """
    from tests.support.owner import start_owner

    folder = tmp_path_factory.mktemp("shared") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder))
    found.make_keys_over_http()
    yield found
    found.close()
    found.server.kill()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_owner_on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The owner of one running server on each database, for the tests of a module."""
    from tests.support.owner import start_owner

    databases = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = databases.create() if databases else None
    folder = tmp_path_factory.mktemp("module") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder, database_url=url))
    yield found
    found.close()
    found.server.kill()
    if databases:
        databases.drop(url)


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running instance whose providers are a stand-in (``tests.support.gateway.AiGateway``), for many tests."""
    from tests.support.gateway import running_gateway

    with running_gateway(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running


@pytest.fixture
def ai(shared_gateway: Any) -> Any:
    """The shared gateway; its stand-in begins again."""
    shared_gateway.provider.reset()
    return shared_gateway


@pytest.fixture
def owner(make_owner: Callable[..., Any]) -> Any:
    """The owner of a running server on SQLite (``tests.support.owner.Owner``)."""
    return make_owner()


@pytest.fixture
def owner_on(make_owner: Callable[..., Any], database: Database) -> Any:
    """The owner of a running server, once on each database."""
    return make_owner(database_url=database.url)


@pytest.fixture
def cli(request: pytest.FixtureRequest, data_dir: Path) -> Any:
    """The command line on the data of the test's server, or of ``data_dir`` where the test has none."""
    from tests.support.command import Cli
    from tests.support.server import clean_environment

    for name in ("owner", "owner_on", "server", "server_on"):
        if name in request.fixturenames:
            found = request.getfixturevalue(name)
            running: ServerProcess = getattr(found, "server", found)
            return Cli(running.environment, running.folder)
    url = request.getfixturevalue("database_url") if "database" in request.fixturenames else None
    settings = {"ARI_DATA_DIR": str(data_dir), "ARI_DATABASE_URL": url}
    return Cli(clean_environment(data_dir.parent, settings), data_dir.parent)


# Per module, not per session: while Playwright runs, asyncio.run() of any later test in the same process fails.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium (``playwright.sync_api.Browser``)."""
    from tests.support import chromium

    path = chromium.executable()
    if path is None:
        skip_missing(chromium.MISSING)
    with chromium.chromium(path) as running:
        yield running


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A browser profile of the test's own; make more with ``browser.new_context()``."""
    made = browser.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900})
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A page; an uncaught error of its scripts fails the test."""
    errors: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    assert not errors, errors


@pytest.fixture
def axe() -> Callable[[Any], list[dict[str, Any]]]:
    """Finds violations of accessibility rules on a page: ``assert axe(page) == []``."""
    from tests.support import axe

    if not axe.SCRIPT.exists():
        skip_missing("no axe-core: run make test once, or make build/axe/axe.min.js")
    return axe.violations


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses the browser carries its mark, so ``-m "not browser"`` leaves it out. The longest files come first.

    Files with slow tests begin the run, those with few tests end it, so all processes end at about the same time.
    """
    tests = Counter(item.path for item in items)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: (-slow[item.path], -tests[item.path], item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are imported, seldom while they run, and never their half million objects.

    An app in the process of a test makes 50,000 objects: the usual thresholds cost a third of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where all must run, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRE_ALL and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say why the run failed although no test did."""
    skipped = terminalreporter.stats.get("skipped", [])
    if REQUIRE_ALL and skipped:
        terminalreporter.write_line(
            f"ARI_TEST_REQUIRE_ALL=1: {len(skipped)} skipped, which counts as failure", red=True
        )
