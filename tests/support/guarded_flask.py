"""A guarded Flask app for gunicorn; each response names the process that made it."""

import os
import sys

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


def main() -> None:
    """Serve requests before and after a fork, in both processes; prints the statuses of all, the child's first."""
    headers = {"x-api-key": sys.argv[1]}

    def send() -> int:
        return app.test_client().get("/orders", headers=headers).status_code

    first = send()
    child = os.fork()
    print("parent" if child else "child", first, send(), send(), flush=True)
    ari.stop()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
