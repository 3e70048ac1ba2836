"""Named upstreams, and the declared scopes that reach them."""

from sqlalchemy import Connection, and_, delete, func, literal, or_, select

from ari.integrations.upstreams import Upstream
from ari.storage.dialect import insert
from ari.storage.stores.keys import is_active
from ari.storage.tables import api_keys, custom_scopes, upstreams

_t, _k = upstreams.c, api_keys.c


class UpstreamTable:
    """Implements ``integrations.upstreams.UpstreamStore`` inside the transaction of ``connection``.

    The scopes are rows among the declared ones, so whatever reads scopes knows those of upstreams.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Upstream | None:
        row = self._connection.execute(select(*_t).where(_t.name == name)).first()
        return None if row is None else Upstream(*row)

    def all(self) -> list[Upstream]:
        found = [Upstream(*row) for row in self._connection.execute(select(*_t))]
        return sorted(found, key=lambda one: one.name)  # the database's collation may differ

    def save(self, upstream: Upstream) -> None:
        origin = {"added_at_ms": upstream.added_at_ms, "added_by": upstream.added_by}
        row = insert(self._connection, upstreams).values(name=upstream.name, title=upstream.title, **origin)
        changed = {"title": upstream.title}
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=changed))
        for name, description in _scopes_of(upstream.name, upstream.title):
            scope = insert(self._connection, custom_scopes).values(
                name=name,
                description=description,
                created_at_ms=upstream.added_at_ms,
                created_by=upstream.added_by,
            )
            described = {"description": description}
            self._connection.execute(scope.on_conflict_do_update(index_elements=["name"], set_=described))

    def remove(self, name: str) -> None:
        self._connection.execute(delete(upstreams).where(_t.name == name))
        names = [scope for scope, _ in _scopes_of(name, "")]
        self._connection.execute(delete(custom_scopes).where(custom_scopes.c.name.in_(names)))

    def count_keys_with_scopes(self, name: str, now_ms: int) -> int:
        between_spaces = literal(" ").concat(_k.scopes).concat(" ")
        lists_one = or_(*(between_spaces.contains(f" {scope} ", autoescape=True) for scope, _ in _scopes_of(name, "")))
        counts = and_(_k.deleted_at_ms.is_(None), is_active(now_ms))
        return self._connection.scalar(select(func.count()).select_from(api_keys).where(counts, lists_one)) or 0


def _scopes_of(name: str, title: str) -> list[tuple[str, str]]:
    return [
        (f"ai:{name}", f"Use {title} through the AI gateway."),
        (
            f"ai-account:{name}",
            f"Use every other endpoint of {title} through the AI gateway, such as files and jobs.",
        ),
    ]
