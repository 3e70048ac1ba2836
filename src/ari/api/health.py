"""``/api/health`` and ``/api/ready``, for probes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari.api.error_docs import document_errors
from ari.api.responses import respond
from ari.api.shapes import HealthOut, ReadyOut
from ari.base.errors import Unavailable
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance

router = APIRouter(tags=["Health"])


@router.get("/api/health", response_model=HealthOut, summary="Liveness check", responses=document_errors())
@policy(AuthMode.OPEN)
async def health(request: Request) -> Response:
    """Returns 200 while every worker is serving and can verify keys. Checks the database at most once a second."""
    if not request.app.state.presence.all_here():
        raise Unavailable("Not all workers are serving yet.")
    await _check(request.app.state.instance, "health")
    return respond({"status": "ok"})


@router.get("/api/ready", response_model=ReadyOut, summary="Readiness check", responses=document_errors())
@policy(AuthMode.OPEN)
async def ready(request: Request) -> Response:
    """Returns 200 if keys can be verified (tested at most once a second) and the usage log accepts rows."""
    await _check(request.app.state.instance, "ready")
    return respond({"status": "ok", "low_disk": request.app.state.instance.usage.low_disk})


async def _check(instance: Instance, asked_as: str) -> None:
    await instance.readiness.check(asked_as)
    if instance.usage.failing is not None:
        raise Unavailable(instance.usage.failing)
