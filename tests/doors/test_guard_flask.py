"""``ari.guard.flask``, local: a guarded Flask app refuses and logs as ARI does, whatever makes its responses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, g, stream_with_context
from flask.testing import FlaskClient
from flask.views import MethodView

from ari import keys
from ari.base.errors import ConfigurationError
from ari.guard.flask import Ari, KeyRefusedError, current_key
from tests.support.guard import GuardedInstance, guarded_instance
from tests.support.ports import free_port


def make_app(ari: Ari) -> Flask:
    """An app with a view of each kind."""
    app = Flask(__name__)
    app.register_blueprint(make_shop(ari))
    app.register_blueprint(make_private(ari))

    @app.get("/open")
    def read_open() -> str:
        return "open" if "ari_key" not in g else "guarded"

    return app


def make_shop(ari: Ari) -> Blueprint:
    """Views that are guarded one by one."""
    shop = Blueprint("shop", __name__, url_prefix="/v1")

    @shop.get("/orders/<int:order_id>")
    @ari.key("orders:read")
    def read_order(order_id: int) -> dict[str, Any]:
        assert g.ari_key.id == current_key.id
        return {"id": order_id, "key": current_key.id, "may_write": current_key.has("orders:write")}

    @shop.post("/orders")
    @ari.key("orders:write")
    def write_order() -> tuple[str, int]:
        return current_key.name, 201

    @shop.get("/failing")
    @ari.key("orders:read")
    def fail() -> str:
        raise ValueError("the view fails")

    @shop.get("/aborting")
    @ari.key("orders:read")
    def stop() -> str:
        abort(409)

    @shop.get("/stream")
    @ari.key("orders:read")
    def stream() -> Response:
        return Response(iter(["one", "two"]))

    @shop.get("/broken-stream")
    @ari.key("orders:read")
    def break_stream() -> Response:
        def pieces() -> Iterator[str]:
            yield "one"
            raise ValueError("the stream fails")

        return Response(pieces())

    class Items(MethodView):
        decorators = [ari.key("orders:read")]  # noqa: RUF012 - as Flask has it

        def get(self) -> str:
            return current_key.name

    shop.add_url_rule("/items", view_func=Items.as_view("items"))
    return shop


def make_private(ari: Ari) -> Blueprint:
    """Views that are guarded together."""
    private = Blueprint("private", __name__, url_prefix="/private")

    @private.before_request
    @ari.key("orders:read")
    def require_key() -> None:
        """Guards each view of the blueprint."""

    @private.get("/report")
    def read_report() -> str:
        return current_key.name

    return private


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found:
        yield found


@pytest.fixture
def ari(instance: GuardedInstance) -> Iterator[Ari]:
    made = Ari.local(instance.data_dir)
    yield made
    made.stop()


@pytest.fixture
def app(ari: Ari) -> Flask:
    made = make_app(ari)
    ari.init_app(made)
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_requests_are_decided_and_logged(tmp_path: Path, database_url: str | None) -> None:
    """With the rule, the path and the status of the app's own response; on both databases."""
    with guarded_instance(tmp_path, database_url) as instance:
        ari = Ari.local(instance.data_dir, database_url)
        app = make_app(ari)
        ari.init_app(app)
        check_decisions(instance, app.test_client())
        ari.stop()


def check_decisions(instance: GuardedInstance, client: FlaskClient) -> None:
    made = instance.create_key("reader", "orders:read")
    headers = {"x-api-key": made.secret, "user-agent": "shop/1", "x-request-id": "order-7"}
    found = client.get("/v1/orders/7", headers=headers)
    assert found.json == {"id": 7, "key": made.key.id, "may_write": False}
    assert found.headers["cache-control"] == "private"
    assert client.post("/v1/orders", headers=headers).status_code == 403
    assert client.get("/open", headers=headers).text == "open"
    assert client.get("/v1/unmatched", headers=headers).status_code == 404
    assert client.options("/v1/orders/7").status_code == 200
    assert client.get("/v1/items", headers=headers).text == "reader"
    assert client.get("/private/report", headers=headers).text == "reader"
    first, *others = instance.read_rows()
    assert (first.code, first.method, first.route, first.path, first.status, first.source) == (
        "ok",
        "GET",
        "/v1/orders/<int:order_id>",
        "/v1/orders/7",
        200,
        "guard",
    )
    assert (first.key_id, first.user_agent, first.request_id) == (made.key.id, "shop/1", "order-7")
    assert first.bytes == len(found.data)
    assert [(row.code, row.route, row.status) for row in others] == [
        ("insufficient_scope", "/v1/orders", 403),
        ("ok", "/v1/items", 200),
        ("ok", "/private/report", 200),
    ]


def test_refusals_are_those_of_ari(instance: GuardedInstance, client: FlaskClient) -> None:
    """Problem details with code and challenges; a HEAD has no body."""
    missing = client.get("/v1/orders/7")
    assert (missing.status_code, missing.content_type) == (401, "application/problem+json")
    assert missing.get_json()["code"] == "missing"
    assert missing.headers.get_all("www-authenticate") == [
        'Bearer realm="ari"',
        'ApiKey realm="ari", header="x-api-key"',
    ]
    assert missing.headers["cache-control"] == "no-store"
    lacking = client.post("/v1/orders", headers={"x-api-key": instance.create_secret("orders:read")})
    assert lacking.get_json()["scope"] == "orders:write"
    assert client.get("/private/report").status_code == 401
    assert client.head("/v1/orders/7").data == b""
    one = instance.create_secret()
    assert client.get(f"/v1/orders/7?key={one}").get_json()["code"] == "key_in_url"
    assert client.get("/v1/orders/7", headers={"authorization": f"Api-Key {one}"}).status_code == 200


@pytest.mark.parametrize(
    ("handler", "status", "body"),
    [
        (lambda error: ({"problem": error.refusal.code}, error.code), 401, {"problem": "missing"}),
        (lambda error: "come in", 401, None),
        (lambda error: abort(409), 401, None),
    ],
    ids=["own style", "success", "failure"],
)
def test_error_handlers_of_the_app(app: Flask, handler: Any, status: int, body: object) -> None:
    """They write refusals in the app's style, with ARI's headers. One that hides the refusal is not heard."""
    app.register_error_handler(KeyRefusedError, handler)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    found = app.test_client().get("/v1/orders/7")
    assert found.status_code == status
    assert found.headers["www-authenticate"].startswith("Bearer")
    if body is None:
        assert found.get_json()["code"] == "missing"
    else:
        assert found.get_json() == body


def test_a_revoked_key_is_refused_by_the_next_request(instance: GuardedInstance, client: FlaskClient) -> None:
    """No cache may say yes."""
    made = instance.create_key()
    headers = {"authorization": f"Bearer {made.secret}"}
    assert client.get("/v1/orders/1", headers=headers).status_code == 200
    instance.deps.do_sync(keys.revoke, made.key.id)
    assert client.get("/v1/orders/1", headers=headers).get_json()["code"] == "revoked"


def test_limits_are_decided_before_the_view(instance: GuardedInstance, client: FlaskClient) -> None:
    """The third of two requests is refused, with what remains in the headers."""
    secret = instance.create_secret(limits=[{"name": "default", "limit": 2, "window": "1h"}])
    found = [client.post("/v1/orders", headers={"x-api-key": secret}) for _ in range(3)]
    assert [one.status_code for one in found] == [201, 201, 429]
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in found] == [
        '"default";r=1',
        '"default";r=0',
        '"default";r=0',
    ]
    assert int(found[2].headers["retry-after"]) > 0


def test_views_that_fail_abort_and_stream(instance: GuardedInstance, app: Flask, client: FlaskClient) -> None:
    """The log has the status that the caller saw, whatever made the response."""
    headers = {"x-api-key": instance.create_secret()}
    assert client.get("/v1/failing", headers=headers).status_code == 500
    assert client.get("/v1/aborting", headers=headers).status_code == 409
    assert client.get("/v1/stream", headers=headers).data == b"onetwo"
    with pytest.raises(ValueError, match="the stream fails"):
        client.get("/v1/broken-stream", headers=headers, buffered=True)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ValueError, match="the view fails"):
        client.get("/v1/failing", headers=headers)
    assert [(row.route, row.status) for row in instance.read_rows()] == [
        ("/v1/failing", 500),
        ("/v1/aborting", 409),
        ("/v1/stream", 200),
        ("/v1/broken-stream", 200),
        ("/v1/failing", 500),
    ]


def test_an_app_that_starts_its_response_late(instance: GuardedInstance, ari: Ari) -> None:
    """WSGI allows the response to start with the first piece of the body; it is logged and refused all the same."""
    served = make_app(ari)
    original = served.wsgi_app

    def lazy(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from original(environ, start_response)

    served.wsgi_app = lazy  # type: ignore[method-assign]  # as Flask documents it
    ari.init_app(served)
    headers = {"x-api-key": instance.create_secret()}
    assert served.test_client().get("/v1/stream", headers=headers).data == b"onetwo"
    assert served.test_client().get("/v1/stream").status_code == 401
    assert [row.status for row in instance.read_rows()] == [200]


def test_a_guard_in_a_stream_admits_nobody(instance: GuardedInstance, ari: Ari) -> None:
    """Its response began before it ran, so it could be neither refused nor logged."""
    app = Flask(__name__)
    ari.init_app(app)
    reached: list[str] = []

    @ari.key("orders:read")
    def read_name() -> str:
        reached.append(current_key.name)
        return current_key.name

    @app.get("/late")
    def stream_late() -> Response:
        return Response(stream_with_context(read_name() for _ in range(1)))

    headers = {"x-api-key": instance.create_secret()}
    with pytest.raises(RuntimeError, match="after the response began"):
        app.test_client().get("/late", headers=headers)
    assert reached == []


def test_a_guarded_view_without_the_extension_fails(tmp_path: Path) -> None:
    """It is never open; an app has one ``Ari``."""
    ari, other = Ari.local(tmp_path / "none"), Ari.local(tmp_path / "none")
    app = make_app(ari)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(RuntimeError, match="init_app"):
        app.test_client().get("/v1/orders/1")
    other.init_app(app)
    with pytest.raises(RuntimeError, match="another Ari object"):
        app.test_client().get("/v1/orders/1")
    with pytest.raises(ConfigurationError, match="make one for the app"):
        ari.init_app(app)
    with app.test_request_context(), pytest.raises(RuntimeError, match="isn't guarded"):
        assert current_key.id


def test_a_log_that_cannot_be_written_is_a_503(instance: GuardedInstance, client: FlaskClient) -> None:
    """In place of what the view said, a failure included; a view that writes doesn't run."""
    headers = {"x-api-key": instance.create_secret()}
    assert client.get("/v1/orders/1", headers=headers).status_code == 200
    with instance.break_log():
        for path in ("/v1/orders/1", "/v1/stream", "/v1/failing"):
            assert client.get(path, headers=headers).get_json()["code"] == "unavailable"
        assert client.post("/v1/orders", headers=headers).status_code == 503
    assert [row.status for row in instance.read_rows()] == [200]


def read_own_key() -> str:
    return current_key.id


def test_an_instance_decides_remotely(shared_owner: Any) -> None:
    """``Ari.remote`` in an app without an event loop; an instance that is down is a 503."""
    caller = shared_owner.create_key("flask: the service", scopes=["keys:verify"])[1]
    made, secret = shared_owner.create_key("flask: reader", scopes=["api:read"])
    for url, status in ((shared_owner.url, 200), (f"http://127.0.0.1:{free_port()}", 503)):
        ari = Ari.remote(url, key=caller)
        app = Flask(__name__)
        ari.init_app(app)
        app.add_url_rule("/own", view_func=ari.key("api:read")(read_own_key))
        found = app.test_client().get("/own", headers={"x-api-key": secret})
        assert found.status_code == status
        assert (found.text == made["id"]) is (status == 200)
        assert app.test_client().get("/own").status_code == 401
        ari.stop()


def test_unavailable_data_is_a_503(tmp_path: Path) -> None:
    """Never open, and nothing is created."""
    ari = Ari.local(tmp_path / "typo")
    app = make_app(ari)
    ari.init_app(app)
    assert app.test_client().get("/v1/orders/1", headers={"x-api-key": "ari_k_x"}).status_code == 503
    assert not (tmp_path / "typo").exists()
    ari.stop()
