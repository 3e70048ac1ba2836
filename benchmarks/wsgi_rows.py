"""The rows of Django, REST framework and Flask: one view, bare and with ``ari.guard``, served as the peers are.

The row ``drf`` of the peers is the same view behind djangorestframework-api-key.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import data, machine
from benchmarks.process import Probe, Server, free_port
from benchmarks.rows import Row, logging, with_keys

GUNICORN = ("-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "60")
"""As the row ``drf`` of the peers has it."""


def wsgi_rows(folder: Path, known: data.Data) -> list[Row]:
    """Six rows, bare and guarded side by side."""

    def view(app: str, path: str, guard: str) -> Callable[[], tuple[Server, list[bytes]]]:
        def start() -> tuple[Server, list[bytes]]:
            port = free_port()
            place = ["--bind", f"127.0.0.1:{port}", "--log-level", "error", f"benchmarks.apps.{app}:wsgi"]
            settings = {**known.settings, "GUARD": guard}
            server = Server(app, [sys.executable, *GUNICORN, *place], settings, folder / app, port, machine.ROOT)
            messages = with_keys(port, path, known.keys)
            return server.start(Probe(messages[0])), messages

        return start

    rows = []
    for row_id, label, app, path in (
        ("rest-framework", "Django REST framework view on gunicorn", "drf_route", "/api/things/thing_1"),
        ("django", "Django view on gunicorn", "drf_route", "/plain/things/thing_1"),
        ("flask", "Flask view on gunicorn", "flask_route", "/api/things/thing_1"),
    ):
        rows.append(Row(row_id, f"{label}, bare", view(app, path, "0")))
        rows.append(logging(f"{row_id}-guard", f"{label}, `ari.guard`, local", view(app, path, "1")))
    return rows
