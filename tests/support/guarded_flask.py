"""A guarded Flask app for gunicorn; each response names the process that made it."""

import os

from flask import Flask, Response

from ari.guard.flask import Ari, current_key

app = Flask(__name__)
ari = Ari.local()
ari.init_app(app)


@app.get("/orders")
@ari.key("orders:read")
def list_orders() -> str:
    return current_key.id


@app.post("/orders")
@ari.key("orders:write")
def write_order() -> str:
    return current_key.id


@app.get("/health")
def read_health() -> str:
    return "ok"


@app.after_request
def name_worker(response: Response) -> Response:
    response.headers["x-worker"] = str(os.getpid())
    return response
