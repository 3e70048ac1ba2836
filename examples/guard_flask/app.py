"""Orders over HTTP with Flask; each request needs an ARI key. Run: ``flask run`` or ``gunicorn app:app``."""

from collections.abc import Iterator

from flask import Blueprint, Flask, Response, abort

from ari.guard.flask import Ari, current_key

app = Flask(__name__)
ari = Ari.local()
ari.init_app(app)
orders: list[str] = []


@app.get("/orders")
@ari.key("orders:read")
def list_orders() -> list[str]:
    """The list of orders, by the name of the key that made each."""
    return orders


@app.post("/orders")
@ari.key("orders:write", cost=5)
def create_order() -> tuple[dict[str, int], int]:
    orders.append(current_key.name)
    return {"order": len(orders)}, 201


@app.get("/orders/<int:number>")
@ari.key("orders:read")
def read_order(number: int) -> str:
    if not 0 < number <= len(orders):
        abort(404)
    return orders[number - 1]


exports = Blueprint("exports", __name__, url_prefix="/exports")


@exports.before_request
@ari.key("exports:read")
def require_key() -> None:
    """Guards each view of the blueprint."""


@exports.get("/<int:year>")
def export_orders(year: int) -> Response:
    """A streamed response: it's in the usage log before its first byte."""

    def lines() -> Iterator[str]:
        yield from (f"{year} {name}\n" for name in orders)

    return Response(lines(), mimetype="text/plain")


@app.get("/health")
def read_health() -> str:
    """Open to everybody: it requires no key."""
    return "ok"


app.register_blueprint(exports)
