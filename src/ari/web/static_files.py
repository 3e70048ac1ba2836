"""The built files under ``/static/``: exactly those that the build listed, compressed once."""

import gzip
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.http.route_policy import AuthMode, policy
from ari.web.render import assets

_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class File(NamedTuple):
    """A file ready to be sent; ``packed`` is its gzip form where that is smaller."""

    kind: str
    plain: bytes
    packed: bytes | None


class StaticFiles:
    """Serves each file from memory under its hashed name; the guard lets browsers keep it for ever."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def routes(self) -> list[BaseRoute]:
        """The address."""
        return [Route("/static/{name}", self.send, methods=["GET"])]

    @policy(AuthMode.OPEN)
    async def send(self, request: Request) -> Response:
        """One file. Raises ``NotFound`` for every name that the build did not list."""
        name: str = request.path_params["name"]
        if f"/static/{name}" not in {asset.url for asset in assets().values()}:
            raise NotFound("File not found.")
        file = self._files.get(name) or self._load(name)
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.kind, headers={"content-encoding": "gzip"})
        return Response(file.plain, media_type=file.kind)

    def _load(self, name: str) -> File:
        path = _FOLDER / name
        plain = path.read_bytes()
        packed = None if path.suffix == ".woff2" else gzip.compress(plain, mtime=0)
        self._files[name] = File(_KINDS[path.suffix], plain, packed)
        return self._files[name]
