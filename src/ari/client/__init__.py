"""A typed client for ARI's HTTP API, synchronous and asynchronous.

::

    from ari.client import AriClient, NotFound

    with AriClient("https://keys.example.net", key=...) as client:
        created = client.keys.create("Automation Script", expires="90d", scopes=["orders:read"])
        verdict = client.verify(created.secret, scopes=["orders:read"])

``AsyncAriClient`` has the same operations; ``await`` them, and iterate over lists with ``async for``. Everything that
can go wrong is a ``ClientError``; see ``ari.client.exceptions``. The guide is docs/guides/client.md.
"""

from ari.base.extras import importing

with importing("client"):
    from ari.client.async_client import AsyncAriClient
    from ari.client.generated.sync_client import AriClient

from ari.base.errors import AriError, Problem
from ari.client.exceptions import (
    ApiError,
    ClientError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    InvalidSettings,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
    UnexpectedResponse,
)

__all__ = [
    "ApiError",
    "AriClient",
    "AriError",
    "AsyncAriClient",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "InvalidRequest",
    "InvalidSettings",
    "NotAuthenticated",
    "NotFound",
    "PermissionDenied",
    "Problem",
    "RateLimited",
    "Unavailable",
    "UnexpectedResponse",
]
