"""Promise 2 under a server's time limits: whatever an exception interrupts, the log has what the caller saw.

The exception comes as that of a signal handler does (gunicorn's worker abort, a time limit with ``SIGALRM``): where a
function begins or has ended, which is where Python looks for signals. Each such place of the guard has its turn.
"""

import asyncio
import gc
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

import ari
from ari.guard import entry
from ari.guard.asgi import ApiKeys, find_guarded
from ari.guard.flask import Ari
from ari.guard.wsgi import HoldingApp
from ari.storage.usage.staging import Staging
from ari.usage.ports import Batch
from tests.support.guard import GuardedInstance, guarded_instance

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # coroutines that were interrupted before they began
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_OURS = tuple(str(Path(ari.__file__).parent / name) for name in ("guard", "http", "usage"))
_PLACES = ("call", "return", "c_return")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect interrupted coroutines with their own test: a warning fails the test that it comes in."""
    yield
    gc.collect()


class _Limit:
    """Raises ``error`` at one place of the guard that this thread reaches, the ``at``-th.

    With ``again`` it raises once more, so many places later.
    """

    def __init__(self, at: int, error: type[BaseException], again: int | None = None) -> None:
        self._left = at
        self._error = error
        self._again = again

    @property
    def is_over(self) -> bool:
        """Whether it raised."""
        return self._left <= 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        has_ended = event == "return" and frame.f_code is HoldingApp.__call__.__code__  # the rest is the server's
        if event in _PLACES and frame.f_code.co_filename.startswith(_OURS) and not has_ended:
            self._left -= 1
            if self._left == 0 or (self._again is not None and self._left == -self._again):
                raise self._error("The time is up.")

    def watch(self, app: Any) -> Any:
        """The WSGI app, interrupted."""

        def run(environ: Any, start_response: Any) -> Any:
            sys.setprofile(self)
            try:
                return app(environ, start_response)
            finally:
                sys.setprofile(None)

        return run


def make_app(guard: Ari) -> Flask:
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    guard.init_app(app)

    @app.route("/orders", methods=["GET", "POST"])
    @guard.key("orders:read")
    def read_orders() -> tuple[str, int]:
        return "orders", 202

    return app


def call(app: Any, secret: str, method: str, name: str, limit: _Limit) -> int | None:
    """The status that a caller sees: a server sends 500 after an exception, and nothing where it ends."""
    headers = [("x-api-key", secret), ("x-request-id", name)]
    environ = EnvironBuilder("/orders", method=method, headers=headers).get_environ()
    try:
        pieces, status, _ = run_wsgi_app(limit.watch(app), environ)
        list(pieces)
    except Exception:  # noqa: BLE001 - any is a 500 of the server
        return 500
    except BaseException:  # noqa: BLE001 - ends the server
        return None
    return int(status[:3])


@pytest.mark.parametrize(
    ("error", "again"),
    [(TimeoutError, None), (SystemExit, None), (TimeoutError, 3), (TimeoutError, 12), (TimeoutError, 40)],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_log_has_what_the_caller_saw(
    tmp_path: Path, database_url: str | None, method: str, error: type[BaseException], again: int | None
) -> None:
    """A request is in it once, unless nothing was decided about it, and then it got no success."""
    seen: dict[str, int | None] = {}
    with guarded_instance(tmp_path, database_url) as instance:
        guard = Ari.local(instance.data_dir, database_url)
        app, secret = make_app(guard), instance.create_secret()
        call(app, secret, method, "warm-up", _Limit(0, error))
        is_over, at = True, 0
        while is_over:
            at += 1
            limit = _Limit(at, error, again)
            seen[f"place-{at}"] = call(app, secret, method, f"place-{at}", limit)
            is_over = limit.is_over
        guard.stop()
        logged = read_statuses(instance)
    assert seen[f"place-{at}"] == 202
    assert at > 20
    problems = [
        (name, status, logged[name]) for name, status in seen.items() if not agree(status, logged.get(name, []))
    ]
    assert not problems


def agree(status: int | None, logged: list[int | None]) -> bool:
    """Whether the log may have this, where the caller saw that status."""
    if status is None:
        return len(logged) <= 1
    return logged == [status] or (status == 500 and not logged)


def read_statuses(instance: GuardedInstance) -> dict[str, list[int | None]]:
    found = defaultdict(list)
    for row in instance.read_rows():
        found[row.request_id].append(row.status)
    return found


def test_a_head_that_the_server_refuses_is_a_500_in_the_log(tmp_path: Path) -> None:
    """Such as one with a line break in a header."""

    def refuse(*_: Any) -> Any:
        raise ValueError("The server refuses a header.")

    with guarded_instance(tmp_path) as instance:
        guard = Ari.local(instance.data_dir)
        app = make_app(guard)
        environ = EnvironBuilder("/orders", headers=[("x-api-key", instance.create_secret())]).get_environ()
        with pytest.raises(ValueError, match="refuses"):
            app(environ, refuse)
        guard.stop()
        assert instance.read_facts() == [("ok", "GET", "/orders", 500)]


def test_a_time_limit_inside_an_asgi_app_logs_its_own_response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit of the response that it canceled goes on; the log has the one that was sent."""
    commit = Staging.append

    def take_long(staging: Staging, batch: Batch) -> None:
        if not late.is_set():
            late.wait(10)
        commit(staging, batch)

    late = threading.Event()
    with guarded_instance(tmp_path) as instance:
        guard = entry.Ari.local(instance.data_dir)
        requirement, headers = guard.require("orders:read"), [(b"x-api-key", instance.create_secret().encode())]
        sent: list[Any] = []

        async def respond(scope: Any, _: Any, send: Any) -> None:
            await find_guarded(scope, guard).authorize(requirement, "/orders")
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def limit(scope: Any, receive: Any, send: Any) -> None:
            try:
                async with asyncio.timeout(0.05):
                    await respond(scope, receive, send)
            except TimeoutError:
                late.set()
                await send({"type": "http.response.start", "status": 504, "headers": []})

        async def take(message: Any) -> None:
            sent.append(message)

        async def serve() -> None:
            await guard.open()
            monkeypatch.setattr(Staging, "append", take_long)
            scope = {"type": "http", "method": "GET", "path": "/orders", "headers": headers, "query_string": b""}
            await ApiKeys(limit, ari=guard)(scope, asyncio.Event().wait, take)  # type: ignore[arg-type]  # never called
            await guard.close()

        asyncio.run(serve())
        monkeypatch.undo()
        assert [message["status"] for message in sent] == [504]
        assert instance.read_facts() == [("ok", "GET", "/orders", 504)]
