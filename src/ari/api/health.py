"""``/api/health`` and ``/api/ready``: open to probes, without details."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari.api.here import Here, answer, problems
from ari.api.shapes import HealthOut, ReadyOut
from ari.base.errors import Unavailable
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance

router = APIRouter(tags=["Health"])


@router.get("/api/health", response_model=HealthOut, summary="Liveness check", responses=problems())
@policy(AuthMode.OPEN)
async def health(request: Request) -> Response:
    """Returns 200 while every worker is serving and can verify keys. Checks the database at most once a second."""
    if not request.app.state.presence.all_here():
        raise Unavailable("Not all workers are serving yet.")
    await _check(request.app.state.instance, "health")
    return answer({"status": "ok"})


@router.get("/api/ready", response_model=ReadyOut, summary="Readiness check", responses=problems())
@policy(AuthMode.OPEN)
async def ready(here: Here) -> Response:
    """Returns 200 if keys can be verified (tested at most once a second) and the usage log accepts rows."""
    await _check(here.instance, "ready")
    return answer({"status": "ok", "low_disk": here.instance.usage.low_disk})


async def _check(instance: Instance, asked_as: str) -> None:
    await instance.acheck_ready(asked_as)
    if instance.usage.failing is not None:
        raise Unavailable(instance.usage.failing)
