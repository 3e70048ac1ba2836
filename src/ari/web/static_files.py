"""The built files under ``/static/``: only those in the build's manifest, each compressed once."""

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
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class StaticFile(NamedTuple):
    """A file in memory; ``compressed`` is gzip, ``None`` for files that are compressed already."""

    media_type: str
    content: bytes
    compressed: bytes | None


class StaticFiles:
    """Serves each file from memory under its hashed name; the middleware marks it as immutable."""

    def __init__(self) -> None:
        self._files: dict[str, StaticFile] = {}

    def routes(self) -> list[BaseRoute]:
        """The route."""
        return [Route("/static/{name}", self.send, methods=["GET"])]

    @policy(AuthMode.OPEN)
    async def send(self, request: Request) -> Response:
        """One file. Raises ``NotFound`` for names that aren't in the manifest."""
        name: str = request.path_params["name"]
        if f"/static/{name}" not in {asset.url for asset in assets().values()}:
            raise NotFound("File not found.")
        file = self._files.get(name) or self._load(name)
        if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.compressed, media_type=file.media_type, headers={"content-encoding": "gzip"})
        return Response(file.content, media_type=file.media_type)

    def _load(self, name: str) -> StaticFile:
        path = _FOLDER / name
        content = path.read_bytes()
        compressed = None if path.suffix == ".woff2" else gzip.compress(content, mtime=0)
        self._files[name] = StaticFile(_MEDIA_TYPES[path.suffix], content, compressed)
        return self._files[name]
