"""``/api/health`` and ``/api/ready``, for probes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari.api.error_docs import document_errors
from ari.api.responses import respond
from ari.api.shapes import HealthOut, ReadyOut
from ari.base.clock import SECOND_MS
from ari.base.errors import Unavailable
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance
from ari.usage.model import Backlog

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
    instance: Instance = request.app.state.instance
    backlog = await _check(instance, "ready")
    oldest_ms = backlog.oldest_at_ms
    facts = {
        "status": "ok",
        "low_disk": instance.usage.low_disk,
        "backlog_count": backlog.rows,
        "backlog_seconds": 0 if oldest_ms is None else max(0, instance.now_ms() - oldest_ms) // SECOND_MS,
    }
    return respond(facts)


async def _check(instance: Instance, asked_as: str) -> Backlog:
    backlog = await instance.readiness.check(asked_as)
    if instance.usage.failing is not None:
        raise Unavailable(instance.usage.failing)
    return backlog
