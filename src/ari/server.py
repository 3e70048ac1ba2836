"""The doors as one ASGI app with one lifespan, and the process that serves it."""

import asyncio
import os
import re
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ari import jobs, web
from ari.accounts import setup
from ari.api import events, health, keys, me, openapi, usage
from ari.base.errors import AriError, ConfigurationError, Problem
from ari.base.log import configure_log
from ari.base.settings import Settings, load_settings
from ari.http.answer import fault_answer
from ari.http.call import call_of
from ari.http.guard import App, Guard
from ari.http.problem import Fault, fault_of
from ari.instance import Instance
from ari.keys.reasons import REQUEST_ERRORS
from ari.storage import owner_mark

_log = structlog.get_logger("ari.server")
_HEADER_READ_MS = 10_000
_HEAD_BYTES = 32 * 1024
_PARENT = "ARI_SERVE_PARENT"
_FIELD = re.compile(r"[a-z][a-z_]{0,39}|[0-9]{1,5}")


class Presence:
    """Whether every worker serves: each leaves a file in a folder of the run."""

    def __init__(self, data_dir: Path, run: str, workers: int) -> None:
        self._folder = data_dir / f"run-{run}"
        self._workers = workers
        self._all_here = False

    def enter(self) -> None:
        """Say that this worker serves."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        (self._folder / str(os.getpid())).touch()

    def all_here(self) -> bool:
        """Whether all have entered; once true, always true."""
        if not self._all_here:
            with suppress(OSError):
                self._all_here = len(list(self._folder.iterdir())) >= self._workers
        return self._all_here

    def clear(self) -> None:
        """Forget this run."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()


def create_app() -> App:
    """The app of one worker, from the environment."""
    settings = load_settings()
    configure_log(settings)
    return build_app(Instance.open(settings))


def build_app(instance: Instance) -> Guard:
    """All doors behind the guard."""
    settings = instance.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await guard.start()
        ticking = asyncio.create_task(jobs.run(instance))
        app.state.presence.enter()
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await guard.stop()
        instance.close()

    app = FastAPI(
        lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, debug=False
    )
    app.state.instance = instance
    app.state.presence = Presence(settings.data_dir, os.environ.get(_PARENT, str(os.getpid())), settings.workers)
    for door in (openapi, me, keys, usage, events, health):
        app.router.routes.extend(door.router.routes)
    app.state.openapi_json = msgspec.json.encode(openapi.document(app, settings))
    app.router.routes.extend(web.routes(instance))
    guard = Guard(app, instance, app.routes, web.error_page(instance))
    _add_error_handlers(app, guard)
    return guard


def _add_error_handlers(app: FastAPI, guard: Guard) -> None:
    def render(request: Request, fault: Fault) -> Response:
        call = call_of(request)
        is_api = request.url.path.startswith("/api")
        token_sent = call.key is not None
        answer = fault_answer(
            guard.settings, fault, call, is_api=is_api, token_sent=token_sent, error_page=guard.error_page
        )
        response = Response(answer.body, answer.status)
        response.raw_headers = answer.headers
        return response

    async def on_ari_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, AriError)
        return render(request, fault_of(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [Problem(_location(one["loc"]), _message(one)) for one in error.errors()]
        return render(request, Fault(REQUEST_ERRORS["invalid"], problems=found[:20]))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
        return render(request, Fault(REQUEST_ERRORS[code]))

    app.add_exception_handler(AriError, on_ari_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _location(loc: tuple[int | str, ...]) -> str:
    """The field's path without ``body`` or ``query``; a name that may be a pasted secret is not repeated."""
    parts = [str(part) for part in loc[1:]]
    return ".".join(part if _FIELD.fullmatch(part) else "?" for part in parts) or str(loc[0])


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "This field is not known here."
    text = str(error["msg"]).removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."


def serve(settings: Settings, *, new_instance: bool = False) -> None:
    """Migrate, make the owner or print the setup link, and serve until told to stop.

    Raises ``ConfigurationError``.
    """
    _refuse_open_http(settings)
    _no_core_dumps()
    configure_log(settings)
    instance = Instance.open(settings, migrate=True)
    try:
        link = _prepare_owner(instance, new_instance=new_instance)
    finally:
        instance.close()
    for name in ("ARI_ADMIN_EMAIL", "ARI_ADMIN_PASSWORD"):
        os.environ.pop(name, None)
    _export(settings)
    presence = Presence(settings.data_dir, str(os.getpid()), settings.workers)
    presence.clear()
    print(link or f"ARI serves on {settings.base_url}", flush=True)
    try:
        _granian(settings).serve()
    finally:
        presence.clear()


def _granian(settings: Settings) -> Any:
    return Granian(
        "ari.server:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_READ_MS, max_buffer_size=_HEAD_BYTES),
        websockets=False,
        respawn_failed_workers=True,
        log_enabled=settings.log_level == "debug",
        process_name=None,
    )


def _prepare_owner(instance: Instance, *, new_instance: bool) -> str | None:
    """Make the owner of ``ARI_ADMIN_*``, or return the line with the setup link if there is no owner yet."""
    settings, now_ms = instance.settings, instance.now_ms()
    had_owner = owner_mark.is_set(settings.data_dir)
    if settings.admin_email is not None and settings.admin_password is not None and not instance.read(setup.has_owner):
        email, hashed = setup.admin_credentials(settings.admin_email, settings.admin_password.get_secret_value())
        with instance.database.writing() as unit:
            setup.new_setup_token(unit, now_ms, new_instance=new_instance, had_owner=had_owner)
            setup.bootstrap_owner(unit, now_ms, email, hashed)
    with instance.database.writing() as unit:
        token = setup.new_setup_token(unit, now_ms, new_instance=new_instance, had_owner=had_owner)
    if token is None:
        owner_mark.remember(settings.data_dir)
        return None
    return f"Make your owner account within the hour: {settings.base_url}/setup#token={token}"


def _refuse_open_http(settings: Settings) -> None:
    if not settings.loopback_only and not settings.secure and not settings.insecure_http:
        raise ConfigurationError(
            "ARI would listen beyond this machine without https: set ARI_PUBLIC_URL to your https address, "
            "or say --insecure-http."
        )


def _no_core_dumps() -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _export(settings: Settings) -> None:
    """Hand what the command line decided on to the workers."""
    os.environ[_PARENT] = str(os.getpid())
    os.environ["ARI_DATA_DIR"] = str(settings.data_dir.absolute())
    os.environ["ARI_HOST"] = settings.host
    os.environ["ARI_PORT"] = str(settings.port)
    os.environ["ARI_WORKERS"] = str(settings.workers)
    os.environ["ARI_INSECURE_HTTP"] = "1" if settings.insecure_http else "0"
    sys.stdout.flush()
