"""Webhooks and their deliveries in SQL; implements the ports of ``ari.webhooks``."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, not_, or_, select, update

from ari.storage.dialect import insert
from ari.storage.tables import webhook_deliveries, webhooks
from ari.webhooks.model import CLOCK_SLACK_MS, MAX_WAIT_MS, Delivery, DeliveryState, Webhook

WEBHOOKS_READ = "webhooks_read"
"""The note with the id of the last event that was queued for webhooks."""
_OPEN = ("waiting", "sending")
_FINISHED = ("delivered", "failed")
_REMOVED = "removed"
"""The reason of a webhook that is gone for everyone, while its deliveries are deleted."""
_w, _t = webhooks.c, webhook_deliveries.c
_IS_THERE = or_(_w.off_reason.is_(None), _w.off_reason != _REMOVED)
_FIELDS = [_t[one.name] for one in fields(Delivery)]
_SHOWN = [column for column in _FIELDS if column.name != "body"]


class WebhookTable:
    """Implements ``WebhookStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Webhook]:
        query = select(webhooks).where(_IS_THERE).order_by(_w.id)
        return [_webhook(row) for row in self._connection.execute(query)]

    def any_on(self) -> bool:
        return bool(self._connection.execute(select(exists().where(_w.off_reason.is_(None)))).scalar())

    def get(self, webhook_id: str) -> Webhook | None:
        row = self._connection.execute(select(webhooks).where(_w.id == webhook_id, _IS_THERE)).first()
        return None if row is None else _webhook(row)

    def save(self, webhook: Webhook) -> None:
        values = asdict(webhook) | {"events": json.dumps(webhook.events)}
        row = insert(self._connection, webhooks).values(**values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))

    def remove(self, webhook_id: str) -> None:
        gone = update(webhooks).where(_w.id == webhook_id).values(off_reason=_REMOVED)
        self._connection.execute(gone)

    def any_removed(self) -> bool:
        return bool(self._connection.execute(select(exists().where(_w.off_reason == _REMOVED))).scalar())

    def forget_removed(self, limit: int) -> int:
        removed = select(_w.id).where(_w.off_reason == _REMOVED).order_by(_w.id).limit(1)
        webhook_id = self._connection.execute(removed).scalar()
        if webhook_id is None:
            return 0
        some = select(_t.id).where(_t.webhook_id == webhook_id).order_by(_t.id).limit(limit)
        count = self._connection.execute(delete(webhook_deliveries).where(_t.id.in_(some))).rowcount
        if count < limit:
            self._connection.execute(delete(webhooks).where(_w.id == webhook_id))
        return count


class DeliveryTable:
    """Implements ``DeliveryStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            rows = insert(self._connection, webhook_deliveries).on_conflict_do_nothing()
            self._connection.execute(rows, list(map(asdict, deliveries)))

    def get(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        query = select(*_SHOWN).where(_t.id == delivery_id, _t.webhook_id == webhook_id)
        row = self._connection.execute(query).first()
        return None if row is None else _delivery(row)

    def page(
        self,
        webhook_id: str,
        before_id: str | None,
        limit: int,
        state: DeliveryState | None,
        types: Sequence[str] | None = None,
    ) -> list[Delivery]:
        query = select(*_SHOWN).where(_t.webhook_id == webhook_id).limit(limit)
        if before_id is not None:
            query = query.where(_t.id < before_id)
        if types is not None:
            query = query.where(or_(_t.type.in_(types), _t.is_test))
        if state is not None:
            query = query.where(_t.state == state)
        if state in _FINISHED:  # they have no next try, so an index has them in this order
            query = query.where(_t.next_try_at_ms.is_(None)).order_by(_t.next_try_at_ms.desc())
        query = query.order_by(_t.id.desc())
        return [_delivery(row) for row in self._connection.execute(query)]

    def list_due(self, now_ms: int, lease_ms: int) -> list[str]:
        ready = or_(*(exists().where(_t.webhook_id == _w.id, due) for due in _list_due_conditions(now_ms, lease_ms)))
        latest_ms = now_ms + MAX_WAIT_MS  # a later one is from a time that the clock has left
        rests = and_(_w.rests_until_ms > now_ms, _w.rests_until_ms <= latest_ms)
        awake = or_(_w.rests_until_ms.is_(None), not_(rests))
        query = select(_w.id).where(_w.off_reason.is_(None), awake, ready, not_(_is_taken(_w.id, now_ms, lease_ms)))
        return list(self._connection.execute(query.order_by(_w.id)).scalars())

    def claim(self, webhook_id: str, now_ms: int, lease_ms: int, holder: str, limit: int) -> list[Delivery]:
        # Every writer holds the lock of the event chain (decision 27), so no other process claims at the same time.
        if self._connection.execute(select(_is_taken(webhook_id, now_ms, lease_ms))).scalar():
            return []
        rows = list[Row[Any]]()
        for condition in _list_due_conditions(now_ms, lease_ms):  # one query for each, since an index serves no OR
            due = select(*_FIELDS).where(_t.webhook_id == webhook_id, condition)
            rows += self._connection.execute(due.order_by(_t.next_try_at_ms, _t.id).limit(limit - len(rows))).all()
        lease = {"state": "sending", "lease_holder": holder, "lease_until_ms": now_ms + lease_ms}
        self._connection.execute(update(webhook_deliveries).where(_t.id.in_([row.id for row in rows])).values(**lease))
        return [_delivery(row, state="sending") for row in rows]

    def lease(self, delivery_id: str, until_ms: int, holder: str) -> None:
        lease = {"lease_holder": holder, "lease_until_ms": until_ms}
        self._connection.execute(update(webhook_deliveries).where(_t.id == delivery_id).values(**lease))

    def finish(self, delivery: Delivery, holder: str) -> bool:
        ours = and_(_t.id == delivery.id, _t.state == "sending", _t.lease_holder == holder)
        values = asdict(delivery) | {"lease_holder": None, "lease_until_ms": None}
        return self._connection.execute(update(webhook_deliveries).where(ours).values(**values)).rowcount == 1

    def requeue(self, webhook_id: str, delivery_id: str, now_ms: int) -> None:
        self._requeue(and_(_t.webhook_id == webhook_id, _t.id == delivery_id, _t.state != "sending"), now_ms)

    def requeue_failed(
        self, webhook_id: str, since_ms: int, now_ms: int, types: Sequence[str] | None, after_id: str, limit: int
    ) -> list[str]:
        query = select(_t.id).where(
            _t.webhook_id == webhook_id,
            _t.state == "failed",
            _t.next_try_at_ms.is_(None),  # as in ``page``
            _t.id > after_id,
            _t.at_ms >= since_ms,
            not_(_t.is_test),
        )
        if types is not None:
            query = query.where(_t.type.in_(types))
        query = query.order_by(_t.next_try_at_ms, _t.id).limit(limit)
        found = list(self._connection.execute(query).scalars())
        self._requeue(_t.id.in_(found), now_ms)
        return found

    def count_failed(self, webhook_id: str, limit: int) -> int:
        some = select(_t.id).where(_t.webhook_id == webhook_id, _t.state == "failed").limit(limit)
        return self._connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()

    def count_open(self) -> tuple[int, int | None]:
        is_on = exists().where(_w.id == _t.webhook_id, _w.off_reason.is_(None))
        query = select(func.count(), func.min(_t.queued_at_ms)).where(_t.state.in_(_OPEN), is_on)
        count, since_ms = self._connection.execute(query).one()
        return count, since_ms

    def forget_before(self, at_ms: int, limit: int) -> int:
        is_on = exists().where(_w.id == _t.webhook_id, _w.off_reason.is_(None))
        old = select(_t.id).where(_t.at_ms < at_ms, not_(and_(_t.state.in_(_OPEN), is_on))).limit(limit)
        return self._connection.execute(delete(webhook_deliveries).where(_t.id.in_(old))).rowcount

    def _requeue(self, condition: ColumnElement[bool], now_ms: int) -> None:
        fresh = {"state": "waiting", "attempts": 0, "queued_at_ms": now_ms, "next_try_at_ms": now_ms, "is_test": False}
        self._connection.execute(update(webhook_deliveries).where(condition).values(**fresh))


def _list_due_conditions(now_ms: int, lease_ms: int) -> list[ColumnElement[bool]]:
    """Waits for a try; or since a time that the clock has left; or for another process whose lease is over."""
    waits = _t.state == "waiting"
    return [
        and_(_t.state == "sending", not_(_is_leased(_t, now_ms, lease_ms))),
        and_(waits, _t.next_try_at_ms > now_ms + MAX_WAIT_MS),
        and_(waits, _t.next_try_at_ms <= now_ms),
    ]


def _is_leased(columns: Any, now_ms: int, lease_ms: int) -> ColumnElement[bool]:
    """Whether a lease still counts, though the clocks of nodes differ by a little."""
    since_ms, until_ms = now_ms - CLOCK_SLACK_MS, now_ms + lease_ms + CLOCK_SLACK_MS
    return and_(columns.lease_until_ms > since_ms, columns.lease_until_ms <= until_ms)


def _is_taken(webhook_id: Any, now_ms: int, lease_ms: int) -> ColumnElement[bool]:
    """Whether a process has a lease on a delivery of this webhook."""
    taken = webhook_deliveries.alias()
    held = _is_leased(taken.c, now_ms, lease_ms)
    return exists().where(taken.c.webhook_id == webhook_id, taken.c.state == "sending", held)


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(**{**row._mapping, "events": tuple(json.loads(row.events))})


def _delivery(row: Row[Any], **instead: Any) -> Delivery:
    return Delivery(**{**row._mapping, **instead})
