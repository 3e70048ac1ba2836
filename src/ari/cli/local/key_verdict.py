"""Verify a key in the data directory, by the rules of ``POST /api/verify``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.base.errors import Invalid, Problem
from ari.base.ids import new_id
from ari.http.client_address import parse_address
from ari.http.secret_rehasher import SecretRehasher
from ari.keys.checks import AccessRequest
from ari.keys.limits.charge import Charge
from ari.keys.model import ApiKey, Granted
from ari.keys.reasons import ACCEPTED
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in
from ari.keys.verify import must_stamp, verify
from ari.usage.model import ROW_KIND, UsageRow
from ari.usage.reports.facts import describe_verified_key, limit_facts

if TYPE_CHECKING:
    from ari.deps import Deps

_ROUTE = "/api/verify"


async def verify_locally(
    deps: "Deps", token: str, scopes: Sequence[str], address: str | None, cost: int, limits: Sequence[str] | None
) -> dict[str, Any]:
    """The verdict, as the API returns it. A known key's verdict is in its log before this returns.

    Texts that aren't keys aren't counted as attempts: a person who checks a key attacks nothing. Raises ``Invalid`` and
    ``Unavailable``.
    """
    client = None if address is None else parse_address(address)
    if address is not None and client is None:
        raise Invalid(Problem("client_address", "Use an IP address such as 203.0.113.7."))
    instance, rehasher = deps.instance, SecretRehasher(deps)
    lookup = await instance.open_lookup()
    try:
        undeclared = await lookup.find_undeclared(find_not_built_in(tuple(scopes)))
        if undeclared:
            raise Invalid(Problem("scopes", f"{min(undeclared)} isn't declared. {HOW_TO_DECLARE}"))
        now_ms = instance.now_ms()
        ask = AccessRequest(None, now_ms, tuple(scopes), None if client is None else str(client))
        verdict = await verify(lookup, token.encode("utf-8", "surrogatepass"), ask, rehasher.rehash)
    finally:
        rehasher.close()
        await lookup.close()
    if must_stamp(verdict):
        await deps.do(keys.stamp_expired, now_ms)
    code = ACCEPTED if isinstance(verdict, Granted) else verdict.reason.code
    if verdict.key is None:
        return _describe(code, None, None)
    row = _make_row(verdict.key, code, now_ms, ask.client_address)
    if code == ACCEPTED:
        row.charge = _charge(verdict.key, cost, limits)
    await instance.usage.start()
    try:
        await instance.usage.write(row)
    finally:
        await instance.usage.stop()
    return _describe(code, verdict.key, row.charge)


def _charge(key: ApiKey, cost: int, limits: Sequence[str] | None) -> Charge | None:
    """The units to consume. Raises ``Invalid`` for a name that the key and its consumer don't have."""
    known = {name for owner in key.rule_owners for name in owner.names}
    unknown = [name for name in limits or () if name not in known]
    if unknown:
        raise Invalid(Problem("limits", f"The key has no limit {unknown[0]}."))
    return Charge(key.rule_owners, cost, None if limits is None else frozenset(limits)) if known else None


def _make_row(key: ApiKey, code: str, now_ms: int, address: str | None) -> UsageRow:
    row_id = new_id(ROW_KIND, now_ms)
    return UsageRow(
        id=row_id,
        at_ms=now_ms,
        request_id=row_id,
        key_id=key.id,
        key_hint=key.used_hint,
        code=code,
        method="POST",
        route=_ROUTE,
        path=_ROUTE,
        client_address=address,
        user_agent=None,
        status=200,
        source="verify",
        secret_number=key.logged_secret,
    )


def _describe(code: str, key: ApiKey | None, charge: Charge | None) -> dict[str, Any]:
    decision = None if charge is None else charge.decision
    exceeded = None if decision is None else decision.exceeded
    final = code if exceeded is None else exceeded.reason
    return {
        "valid": final == ACCEPTED,
        "code": final,
        "key": None if key is None else describe_verified_key(key),
        "limits": [] if decision is None else [limit_facts(one) for one in decision.remaining],
        "exceeded": None if exceeded is None else exceeded.name,
        "retry_after_seconds": None if decision is None else decision.retry_after_seconds,
    }
