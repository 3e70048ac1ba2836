"""``/api/me``: which key or account is calling. Answered from the guard, without FastAPI."""

from fastapi import APIRouter

from ari.api.here import problems
from ari.api.shapes import MeAccountOut, MeKeyOut
from ari.http.access import needs
from ari.http.answer import Answer
from ari.http.direct import answered_by, json_answer
from ari.http.exchange import Exchange
from ari.usage.report import key_facts

router = APIRouter(tags=["Caller"])


async def _who(exchange: Exchange) -> Answer:
    key = exchange.key
    if key is not None:
        totals = await exchange.guard.finder.totals(key.id)
        return json_answer({"type": "api_key", "key": key_facts(key, totals, exchange.incoming.at_ms)})
    signed_in = exchange.call.signed_in
    assert signed_in is not None
    account = signed_in.account
    return json_answer({"type": "account", "account": {"id": account.id, "email": account.email}})


@router.get("/api/me", response_model=MeKeyOut | MeAccountOut, summary="Who is calling", responses=problems())
@needs(None)
@answered_by(_who, only_reads=True)
def read_me() -> None:
    """Any live key or session may ask. The counts and times of use may be some seconds old; those of
    `GET /api/keys/{key_id}` are exact."""
