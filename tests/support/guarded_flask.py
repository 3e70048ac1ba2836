"""A guarded Flask app for gunicorn; each response names the process that made it."""

import io
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing

from flask import Flask, Response
from werkzeug.test import create_environ
from werkzeug.wsgi import ClosingIterator

from ari.guard.flask import Ari, current_key

app = Flask(__name__)
ari = Ari.local()
ari.init_app(app)
_REQUEST = create_environ("/orders")


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


def send(key: str) -> int:
    """The status of one request to the app, in this thread; not through a test client, whose every request imports."""
    statuses: list[str] = []
    environ = {**_REQUEST, "wsgi.input": io.BytesIO(), "HTTP_X_API_KEY": key}

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    with closing(ClosingIterator(app(environ, start_response))) as body:
        b"".join(body)
    return int(statuses[0].split()[0])


def fork_while_busy(key: str, children: int = 4, threads: int = 3, requests: int = 300) -> None:
    """Fork again and again while threads serve; prints the statuses of each process."""
    statuses = [send(key)]  # imports what serving needs: a child never gets Python's lock of a half-imported module
    ended = threading.Event()

    def serve() -> None:
        for _ in range(requests):
            if ended.is_set():
                break
            statuses.append(send(key))

    serving = [threading.Thread(target=serve) for _ in range(threads)]
    for thread in serving:
        thread.start()
    for _ in range(children):
        child = os.fork()
        if child == 0:
            print(send(key), send(key), send(key), flush=True)
            ari.stop()
            os._exit(0)
        os.waitpid(child, 0)
    ended.set()
    for thread in serving:
        thread.join()
    print(*statuses, flush=True)
    ari.stop()


def fork_once(key: str) -> None:
    """Serve requests before and after a fork, in both processes; prints the statuses of each.

    The child serves once more after its parent has ended its part, which closes the parent's last connection.
    """
    first = send(key)
    ended, end = os.pipe()
    child = os.fork()
    statuses = [first, send(key), send(key)]
    if child == 0:
        os.close(end)
        os.read(ended, 1)
        statuses.append(send(key))
    print("parent" if child else "child", *statuses, flush=True)
    ari.stop()
    if child == 0:
        os._exit(0)
    os.close(end)
    os.waitpid(child, 0)


def main() -> None:
    """Run the function that the first argument names, with the key that is the second."""
    {"once": fork_once, "busy": fork_while_busy}[sys.argv[1]](sys.argv[2])
