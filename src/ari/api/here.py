"""What every endpoint of the API gets: the instance and the call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from starlette.responses import Response

from ari.api.shapes import ProblemOut
from ari.base.caller import Caller
from ari.base.cursor import encode_cursor
from ari.base.errors import Forbidden
from ari.deps import Deps
from ari.http.context import RequestContext, context_of
from ari.http.problem import MEDIA_TYPE
from ari.instance import Instance
from ari.keys import scopes
from ari.keys.model import ApiKey
from ari.keys.reasons import REASONS, REQUEST_ERRORS, Reason
from ari.usage.model import NO_USE
from ari.usage.reports.facts import key_facts


@dataclass(frozen=True, slots=True)
class _Here:
    """The instance, the call, and the caller that the guard found (there always is one under a closed route)."""

    instance: Instance
    call: RequestContext

    @property
    def deps(self) -> Deps:
        """Commands for the caller."""
        return self.call.deps

    @property
    def caller(self) -> Caller:
        return self.deps.caller

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the caller holds the scope."""
        if not scopes.holds(self.caller.scopes, scope):
            raise Forbidden(f"This key needs the scope “{scope}”.", scope)

    async def facts(self, keys: Sequence[ApiKey]) -> list[dict[str, Any]]:
        """The JSON of these keys with their totals."""
        totals = await self.instance.atotals([key.id for key in keys])
        now_ms = self.instance.now_ms()
        return [key_facts(key, totals.get(key.id, NO_USE), now_ms) for key in keys]


async def _here(request: Request) -> _Here:
    return _Here(request.app.state.instance, context_of(request))


Here = Annotated[_Here, Depends(_here)]


def answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """JSON as it is; the declared model only documents it."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def paged(items: list[dict[str, Any]], limit: int) -> Response:
    """A page of at most ``limit`` of the ``limit + 1`` items asked for, with the cursor of the next."""
    shown = items[:limit]
    following = encode_cursor(shown[-1]["id"]) if len(items) > limit else None
    return answer({"items": shown, "next_cursor": following})


DEAD_KEY = ("malformed", "unknown", "expired", "revoked", "disabled")
"""How a key is refused even where none is asked for."""
_COMMON = (
    "invalid_request",
    "key_in_url",
    "missing",
    *DEAD_KEY,
    "ip_not_allowed",
    "insufficient_scope",
    "method_not_allowed",
    "too_large",
    "misdirected",
    "internal",
    "unavailable",
)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation for OpenAPI: those given and those that any operation may give."""
    return error_answers((*codes, *_COMMON))


def error_answers(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """The answers for these codes, by status."""
    table = REASONS | REQUEST_ERRORS
    grouped: dict[int, list[Reason]] = {}
    for code in dict.fromkeys(codes):
        grouped.setdefault(table[code].status, []).append(table[code])
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    return {
        status: {
            "description": " ".join(f"`{one.code}`: {one.sentence}" for one in reasons),
            "content": {
                MEDIA_TYPE: {
                    "schema": schema,
                    "examples": {one.code: {"$ref": f"#/components/examples/{one.code}"} for one in reasons},
                }
            },
        }
        for status, reasons in sorted(grouped.items())
    }


WITH_BODY = ("invalid", "unsupported_media_type", "request_timeout", "csrf_failed")
"""Further errors of operations that read a body."""
