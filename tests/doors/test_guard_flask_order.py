"""``ari.guard.flask``: caches above a guard and a guard above its route open nothing; late failures are logged."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Blueprint, Flask, Response
from flask.views import MethodView, View
from werkzeug.test import Client

from ari import keys
from ari.base.errors import ConfigurationError
from ari.guard.flask import Ari
from ari.guard.wsgi import HoldingApp
from tests.support.guard import GuardedInstance, guarded_instance

Function = Callable[..., Any]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found:
        yield found


@pytest.fixture
def ari(instance: GuardedInstance) -> Iterator[Ari]:
    made = Ari.local(instance.data_dir)
    yield made
    made.stop()


def make_app(ari: Ari) -> Flask:
    app = Flask(__name__)
    ari.init_app(app)
    return app


def cache(view: Function) -> Function:
    """Stores the first response, as Flask-Caching's ``cached`` does."""
    stored: list[Any] = []

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not stored:
            stored.append(view(*args, **kwargs))
        return stored[0]

    return run


def read_public() -> Response:
    return Response("report", headers={"Cache-Control": "public, max-age=60"})


def fail() -> Response:
    return Response(map(fail_piece, [1]))


def fail_piece(_: int) -> str:
    raise ValueError("the stream fails")


def test_a_cache_above_the_guard_opens_nothing(instance: GuardedInstance, ari: Ari) -> None:
    """A cached response needs a key, and is logged, like any other; it is private."""
    app = make_app(ari)
    app.add_url_rule("/report", view_func=cache(ari.key("orders:read")(read_public)))
    client, made = app.test_client(), instance.create_key()
    for _ in range(2):
        found = client.get("/report", headers={"x-api-key": made.secret})
        assert (found.status_code, found.headers["cache-control"]) == (200, "max-age=60, private")
        assert found.headers["vary"] == "Authorization, X-Api-Key"
    refused = client.get("/report")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "missing")
    assert client.options("/report").status_code == 200
    instance.deps.do_sync(keys.revoke, made.key.id)
    assert client.get("/report", headers={"x-api-key": made.secret}).get_json()["code"] == "revoked"
    assert instance.read_facts() == [
        ("ok", "GET", "/report", 200),
        ("ok", "GET", "/report", 200),
        ("revoked", "GET", "/report", 401),
    ]


def read_text(number: int = 0) -> str:
    return "report"


def read_open() -> str:
    return "open"


class Orders(MethodView):
    """Caches around the view, as Flask documents ``decorators``."""

    decorators: ClassVar[list[Any]] = [cache]


class Report(View):
    decorators: ClassVar[list[Any]] = [cache]


def test_a_cache_around_a_class_of_views_opens_nothing(instance: GuardedInstance, ari: Ari) -> None:
    """The guard may be on a method, or on ``dispatch_request``."""

    class GuardedOrders(Orders):
        @ari.key("orders:read")
        def get(self) -> Response:
            return read_public()

    class GuardedReport(Report):
        @ari.key("orders:read")
        def dispatch_request(self) -> Response:
            return read_public()

    app = make_app(ari)
    app.add_url_rule("/orders", view_func=GuardedOrders.as_view("orders"))
    app.add_url_rule("/report", view_func=GuardedReport.as_view("report"))
    client, secret = app.test_client(), instance.create_secret()
    for path in ("/orders", "/report"):
        assert [client.get(path, headers={"x-api-key": secret}).status_code for _ in range(2)] == [200, 200]
        assert [client.get(path).status_code, client.head(path).status_code] == [401, 401]
        assert client.get(path, headers={"x-api-key": instance.create_secret("orders:write")}).status_code == 403


def test_a_cache_around_the_app_opens_nothing(instance: GuardedInstance, ari: Ari) -> None:
    """One that wraps ``app.wsgi_app`` before ``init_app`` does; it serves open views, and other URLs, to everyone."""
    app = Flask(__name__)
    kept: dict[str, list[bytes]] = {"/elsewhere": [b"a file"]}
    inner = app.wsgi_app

    def run(environ: dict[str, Any], start: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path in kept:
            start("200 OK", [])
            return kept[path]
        pieces = list(inner(environ, start))
        if pieces in ([b"report"], [b"open"]):
            kept[path] = pieces
        return pieces

    app.wsgi_app = run  # type: ignore[method-assign, assignment]  # as Flask documents it
    ari.init_app(app)
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.before_request(ari.key("orders:read")(read_nothing))
    shop.get("/report")(read_text)
    app.register_blueprint(shop)
    app.get("/report/<int:number>")(ari.key("orders:read")(read_text))
    app.get("/open")(read_open)
    client, secret = app.test_client(), instance.create_secret()
    for path in ("/report/7", "/shop/report"):
        assert [client.get(path, headers={"x-api-key": secret}).text for _ in range(2)] == ["report", "report"]
        assert path in kept
        assert [client.open(path, method=method).status_code for method in ("GET", "HEAD", "PUT")] == [401] * 3
    assert [client.get(path).status_code for path in ("/open", "/open", "/elsewhere", "/nowhere")] == [200] * 3 + [404]
    assert [(row.route, row.status) for row in instance.read_rows()] == [
        (route, 200) for route in ("/report/<int:number>", "/shop/report") for _ in range(2)
    ]


def test_a_hook_that_responds_first_opens_nothing(instance: GuardedInstance, ari: Ari) -> None:
    """The guard of a blueprint is decided even if a hook of the app responds from a cache of its own."""
    app = make_app(ari)
    shop = Blueprint("shop", __name__)
    shop.add_url_rule("/report", view_func=read_public)
    shop.before_request(ari.key("orders:read")(read_nothing))
    app.register_blueprint(shop)
    app.before_request(lambda: "from a cache")
    assert app.test_client().get("/report").status_code == 401
    assert app.test_client().get("/report", headers={"x-api-key": instance.create_secret()}).text == "from a cache"
    with app.test_request_context("/elsewhere"):
        assert app.process_response(Response("open")).status_code == 200


def guard_above_route(app: Flask, ari: Ari) -> None:
    ari.key("orders:read")(app.get("/report")(read_report))


def guard_above_decorated_route(app: Flask, ari: Ari) -> None:
    ari.key("orders:read")(cache(app.get("/report")(read_report)))


def guard_above_hook(app: Flask, ari: Ari) -> None:
    shop = Blueprint("shop", __name__)
    shop.get("/report")(lambda: "report")
    ari.key("orders:read")(shop.before_request(read_nothing))
    app.register_blueprint(shop)


def read_report() -> str:
    raise AssertionError("the view must not run")


def read_nothing() -> None:
    """A hook that is meant to guard."""


@pytest.mark.parametrize("register", [guard_above_route, guard_above_decorated_route, guard_above_hook])
def test_a_guard_above_the_route_fails(
    instance: GuardedInstance, ari: Ari, register: Callable[[Flask, Ari], None]
) -> None:
    """The route would be open; no request of the app is served, and the error names the function."""
    app = make_app(ari)
    register(app, ari)
    assert app.test_client().get("/report").status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ConfigurationError, match=r"above the route of read_(report|nothing)"):
        app.test_client().get("/report", headers={"x-api-key": instance.create_secret()})


def test_views_are_shared_by_apps(instance: GuardedInstance, ari: Ari) -> None:
    """A factory guards the same function in each app; another app may leave it open."""
    for _ in range(2):
        app = make_app(ari)
        app.add_url_rule("/report", view_func=ari.key("orders:read")(read_public))
        assert app.test_client().get("/report").status_code == 401
    other = Ari.local(instance.data_dir)
    opened = make_app(other)
    opened.add_url_rule("/report", view_func=read_public)
    assert opened.test_client().get("/report").status_code == 200


def test_a_stream_that_fails_before_its_first_piece(instance: GuardedInstance, ari: Ari) -> None:
    """No byte was sent, so the server sends a 500; the log has it."""
    app = make_app(ari)
    app.add_url_rule("/stream", view_func=ari.key("orders:read")(fail))
    with pytest.raises(ValueError, match="the stream fails"):
        app.test_client().get("/stream", headers={"x-api-key": instance.create_secret()})
    assert [row.status for row in instance.read_rows()] == [500]


def test_an_app_that_writes_is_held(instance: GuardedInstance, ari: Ari) -> None:
    """WSGI's ``write`` sends nothing before the log has the request, and nothing of a refused one."""
    app = Flask(__name__)

    def write(environ: Any, start_response: Any) -> list[bytes]:
        with app.request_context(environ):
            ari.key("orders:read")(read_nothing)() if environ["HTTP_X_API_KEY"] != "wrong" else refuse(ari)
        start_response("200 OK", [])(b"written")
        return [b" and returned"]

    client = Client(HoldingApp(write, ari, lambda *_: None))
    found = client.get("/any", headers={"x-api-key": instance.create_secret()})
    assert found.data == b"written and returned"
    assert client.get("/any", headers={"x-api-key": "wrong"}).status_code == 401
    assert [row.status for row in instance.read_rows()] == [200]


def refuse(ari: Ari) -> None:
    with pytest.raises(Exception, match="key"):
        ari.key("orders:read")(read_nothing)()
