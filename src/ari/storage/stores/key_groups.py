"""Which keys have which consumer and tags, in SQL; implements ``keys.ports.KeyGroupStore``."""

from sqlalchemy import Connection, select

from ari.storage.tables import api_keys, key_tags

_keys = api_keys.c


class KeyGroupTable:
    """Groups of keys inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_ids(self, consumer_id: str | None, tag: str | None) -> list[str]:
        query = select(_keys.id)
        if tag is not None:
            query = query.join(key_tags, key_tags.c.key_id == _keys.id).where(key_tags.c.tag == tag)
        if consumer_id is not None:
            query = query.where(_keys.consumer_id == consumer_id)
        return list(self._connection.scalars(query))

    def list_consumers(self) -> list[tuple[str, str]]:
        query = select(_keys.id, _keys.consumer_id).where(_keys.consumer_id.is_not(None))
        return [(key_id, consumer_id) for key_id, consumer_id in self._connection.execute(query)]

    def list_tags(self) -> list[tuple[str, str]]:
        query = select(key_tags.c.key_id, key_tags.c.tag)
        return [(key_id, tag) for key_id, tag in self._connection.execute(query)]
