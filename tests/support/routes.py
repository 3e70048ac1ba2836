"""The routes of the app under test, read from the app itself."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from ari.http.route_table import MatchedRoute
from ari.server import build_app
from tests.support.instances import opened

_VALUES = {"provider": "openai", "path": "v1/models", "key_id": "key_01M83GWNF12GTGP78M9RX2FPXB", "number": "0"}


@cache
def routes_of_app() -> tuple[tuple[str, tuple[str, ...], MatchedRoute], ...]:
    """An example path of every route, its methods, and what the guard's table says of it."""
    with tempfile.TemporaryDirectory(prefix="ari-routes-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        with opened(data_dir, None) as instance:
            guard = build_app(instance)
            routes: Any = guard.app.routes  # type: ignore[attr-defined]  # FastAPI's
            by_route = {id(found.route): found for found in guard.table.all()}
            return tuple((example_of(one.path), tuple(sorted(one.methods)), by_route[id(one)]) for one in routes)


def example_of(template: str) -> str:
    """The template with a value for each parameter."""
    for part in {part.split("}")[0] for part in template.split("{")[1:]}:
        template = template.replace(f"{{{part}}}", _VALUES.get(part.partition(":")[0], "x1"))
    return template
