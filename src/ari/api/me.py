"""``/api/me``: which key or account is calling. Answered from the guard, without FastAPI."""

from fastapi import APIRouter

from ari.api.here import problems
from ari.api.shapes import MeAccountOut, MeKeyOut
from ari.base.room import make_room
from ari.http.request_handler import RequestHandler
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.keys.model import ApiKey
from ari.usage.model import KeyTotals
from ari.usage.reports.facts import key_facts

router = APIRouter(tags=["Caller"])

_MOST_TOLD = 15_000
_told: dict[str, tuple[ApiKey, KeyTotals, str, Response]] = {}
"""The last answer about each key, with all that it was made of: good only where that is the same again."""


async def _who(exchange: RequestHandler) -> Response:
    key = exchange.key
    if key is not None:
        return _about(key, await exchange.guard.finder.totals(key.id), exchange.incoming.at_ms)
    signed_in = exchange.call.signed_in
    assert signed_in is not None
    account = signed_in.account
    return json_response({"type": "account", "account": {"id": account.id, "email": account.email}})


def _about(key: ApiKey, totals: KeyTotals, now_ms: int) -> Response:
    status = key.status(now_ms)
    told = _told.get(key.id)
    if told is not None and told[0] is key and (told[1] is totals or told[1] == totals) and told[2] == status:
        return told[3]
    make_room(_told, _MOST_TOLD)
    answer = json_response({"type": "api_key", "key": key_facts(key, totals, now_ms)})
    _told[key.id] = key, totals, status, answer
    return answer


@router.get("/api/me", response_model=MeKeyOut | MeAccountOut, summary="Get current caller", responses=problems())
@policy(AuthMode.KEY_OR_SESSION, scope=None, fast=FastRoute(_who, reads_only=True))
def read_me() -> None:
    """Any active key or session can call this. Usage counts and times may be a few seconds old;
    `GET /api/keys/{key_id}` returns exact ones."""
