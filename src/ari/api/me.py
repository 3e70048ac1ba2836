"""``/api/me``: which key or account is calling."""

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.here import Here, answer, problems
from ari.api.shapes import MeAccountOut, MeKeyOut
from ari.http.access import needs

router = APIRouter(tags=["Caller"])


@router.get("/api/me", response_model=MeKeyOut | MeAccountOut, summary="Who is calling", responses=problems())
@needs(None)
async def read_me(here: Here) -> Response:
    """Any live key or session may ask."""
    if here.call.key is not None:
        [facts] = await here.facts([here.call.key])
        return answer({"type": "api_key", "key": facts})
    assert here.call.signed_in is not None
    account = here.call.signed_in.account
    return answer({"type": "account", "account": {"id": account.id, "email": account.email}})
