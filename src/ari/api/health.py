"""``/api/health`` and ``/api/ready``: open to probes, without details."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari.api.here import Here, answer, problems
from ari.api.shapes import HealthOut, ReadyOut
from ari.base.errors import Unavailable
from ari.http.access import open_to_all

router = APIRouter(tags=["Health"])


@router.get("/api/health", response_model=HealthOut, summary="Is the instance up", responses=problems())
@open_to_all
async def health(request: Request) -> Response:
    """200 once migrations and first-run work are done and every worker serves."""
    if not request.app.state.presence.all_here():
        raise Unavailable("Not every worker serves yet.")
    return answer({"status": "ok"})


@router.get("/api/ready", response_model=ReadyOut, summary="Can the instance decide", responses=problems())
@open_to_all
async def ready(here: Here) -> Response:
    """200 if the database answers, which is asked at most once a second, and the usage log takes rows."""
    await here.instance.acheck_ready()
    usage = here.instance.usage
    if usage.failing is not None:
        raise Unavailable(usage.failing)
    return answer({"status": "ok", "low_disk": usage.low_disk})
