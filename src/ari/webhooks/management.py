"""Add, change and remove webhooks, and rotate their secrets. Each records one event, which never holds a URL's path."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ari.base import seal
from ari.base.caller import is_key
from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.ids import new_id
from ari.base.problems import Problems
from ari.base.transaction import record
from ari.keys.names import parse_name
from ari.keys.unset import UNSET, Unset
from ari.webhooks.delivery import turn_off
from ari.webhooks.entitlement import find_readable, require_may_read_events
from ari.webhooks.event_types import EVERYTHING, parse_patterns
from ari.webhooks.model import FORMATS, OFF_REASONS, OLD_SECRET_KIND, OVERLAP_MS, SECRET_KIND, URL_KIND, Format, Webhook
from ari.webhooks.ports import WebhookTransaction
from ari.webhooks.target_url import describe_place, parse_url

MAX_WEBHOOKS = 50
MAX_KEY_WEBHOOKS = 10
"""Those that API keys added, all keys together: they can't take the owner's places, nor make each event cost much."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """The fields of a new webhook; ``events`` are types and patterns."""

    name: str
    url: str = field(repr=False)
    events: Sequence[str] = (EVERYTHING,)
    format: str = "standard"


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """New values; ``UNSET`` leaves a field as it is. The format stays: queued messages are written in it."""

    name: str | Unset = UNSET
    url: str | Unset = field(default=UNSET, repr=False)
    events: Sequence[str] | Unset = UNSET
    on: bool | Unset = UNSET


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A webhook and its new signing secret, which is shown once; ``None`` for formats without signatures."""

    webhook: Webhook
    secret: str | None = field(repr=False)


def list_webhooks(tx: WebhookTransaction) -> list[Webhook]:
    """Every webhook, oldest first."""
    return tx.webhooks.all()


def get_webhook(tx: WebhookTransaction, webhook_id: str) -> Webhook:
    """Raises ``NotFound``."""
    found = tx.webhooks.get(webhook_id)
    if found is None:
        raise NotFound("No webhook has this ID.")
    return found


def add_webhook(tx: WebhookTransaction, wanted: NewWebhook, found: Iterable[Problem] = ()) -> WebhookSecret:
    """Add a webhook, which is on from now. It gets the event of its own creation first.

    Raises ``Invalid`` with all problems, ``Conflict``, ``Forbidden``, ``ReauthRequired``, ``CannotOpen``.
    """
    problems = Problems(found)
    name = problems.check("", parse_name, wanted.name)
    url = problems.check("", parse_url, wanted.url, by_owner=tx.caller.key_id is None)
    events = problems.check((), parse_patterns, wanted.events)
    named = problems.check("standard", _parse_format, wanted.format)
    problems.raise_found()
    require_may_read_events(tx)
    tx.caller.require_confirmed(tx.now_ms)
    _require_room(tx)
    by = tx.caller.actor
    webhook = Webhook(new_id("whk", tx.now_ms), name, describe_place(url), by, named, events, tx.now_ms, by, _begin(tx))
    webhook = replace(webhook, url_secret_number=tx.caller.secret_number)
    tx.webhooks.save(webhook)
    _keep(tx, URL_KIND, webhook, url)
    secret = _make_secret(tx, webhook) if webhook.is_signed else None
    record(tx, "webhook_added", webhook.id, _describe(webhook))
    return WebhookSecret(webhook, secret)


def change_webhook(
    tx: WebhookTransaction, webhook_id: str, wanted: WebhookChange, found: Iterable[Problem] = ()
) -> Webhook:
    """Change a webhook. Deliveries that wait go to the new URL; new events are for new deliveries.

    Raises ``NotFound``, ``Invalid``, ``Conflict``, ``Forbidden``, ``ReauthRequired``, ``CannotOpen``.
    """
    before, problems = get_webhook(tx, webhook_id), Problems(found)
    after, url = before, None
    if wanted.name is not UNSET:
        after = replace(after, name=problems.check("", parse_name, wanted.name))
    if wanted.url is not UNSET:
        url = problems.check("", parse_url, wanted.url, by_owner=tx.caller.key_id is None)
    if wanted.events is not UNSET:
        after = replace(after, events=problems.check((), parse_patterns, wanted.events))
    problems.raise_found()
    require_may_read_events(tx)
    tx.caller.require_confirmed(tx.now_ms)
    if url is not None:
        after = _set_url(tx, after, url)
    if after != before:
        tx.webhooks.save(after)
        record(tx, "webhook_changed", webhook_id, {"from": _describe(before), "to": _describe(after)})
    return after if wanted.on is UNSET else _switch(tx, after, on=wanted.on)


def remove_webhook(tx: WebhookTransaction, webhook_id: str) -> None:
    """Remove a webhook with its deliveries, sent or not. Raises ``NotFound``, ``ReauthRequired``.

    From now on it doesn't exist for anyone. Jobs delete its deliveries, some at a time.
    """
    webhook = get_webhook(tx, webhook_id)
    tx.caller.require_confirmed(tx.now_ms)
    for kind in (URL_KIND, SECRET_KIND, OLD_SECRET_KIND):
        tx.sealed.drop(kind, webhook_id)
    tx.webhooks.remove(webhook_id)
    record(tx, "webhook_removed", webhook_id, _describe(webhook))


def rotate_webhook_secret(tx: WebhookTransaction, webhook_id: str, *, retire_old_now: bool = False) -> WebhookSecret:
    """Give a webhook a new secret. The old one signs too for a day, unless it is retired now.

    Raises ``NotFound``, ``Conflict``, ``ReauthRequired``, ``CannotOpen``.
    """
    webhook = get_webhook(tx, webhook_id)
    tx.caller.require_confirmed(tx.now_ms)
    if not webhook.is_signed:
        raise Conflict(
            "conflict", f"Messages in the format {webhook.format} have no signature. Change the URL instead."
        )
    old = seal.open_secret(tx.sealed, tx.master_keys, seal.Context(SECRET_KIND, webhook_id))
    if retire_old_now or old is None:
        tx.sealed.drop(OLD_SECRET_KIND, webhook_id)
        after = replace(webhook, old_secret_until_ms=None)
    else:
        _keep(tx, OLD_SECRET_KIND, webhook, old.decode())
        after = replace(webhook, old_secret_until_ms=tx.now_ms + OVERLAP_MS)
    after = replace(after, revision=webhook.revision + 1)
    secret = _make_secret(tx, webhook)
    tx.webhooks.save(after)
    record(tx, "webhook_secret_rotated", webhook_id, {"name": webhook.name, "old_retired": retire_old_now})
    return WebhookSecret(after, secret)


def _require_room(tx: WebhookTransaction) -> None:
    """Raise ``Conflict`` if there are as many webhooks as the caller may have."""
    listed = tx.webhooks.all()
    if len(listed) >= MAX_WEBHOOKS:
        raise Conflict("conflict", f"There can be at most {MAX_WEBHOOKS} webhooks.")
    if tx.caller.key_id is not None and sum(is_key(one.created_by) for one in listed) >= MAX_KEY_WEBHOOKS:
        raise Conflict(
            "conflict", f"There can be at most {MAX_KEY_WEBHOOKS} webhooks that API keys added. The owner can add more."
        )


def _switch(tx: WebhookTransaction, webhook: Webhook, *, on: bool) -> Webhook:
    """Turn it on or off. Events while it is off are never sent; deliveries that were queued before are, when it is on.

    Turning it on leaves a key's URL the key's: only those who set the URL again take it over, since they know it.
    """
    if on == webhook.is_on:
        return webhook
    if not on:
        return turn_off(tx, webhook, "paused")
    if not find_readable(tx, webhook):
        raise Conflict("conflict", OFF_REASONS["key_ended"])
    after = replace(
        webhook,
        after_seq=_begin(tx),
        revision=webhook.revision + 1,
        off_reason=None,
        failing_since_ms=None,
        warned_at_ms=None,
        rests_until_ms=None,
    )
    tx.webhooks.save(after)
    record(tx, "webhook_turned_on", webhook.id, {"name": webhook.name, "url": webhook.place})
    return after


def _set_url(tx: WebhookTransaction, webhook: Webhook, url: str) -> Webhook:
    _keep(tx, URL_KIND, webhook, url)
    return replace(
        webhook,
        place=describe_place(url),
        url_by=tx.caller.actor,
        url_secret_number=tx.caller.secret_number,
        revision=webhook.revision + 1,
        failing_since_ms=None,
        rests_until_ms=None,
    )


def _begin(tx: WebhookTransaction) -> int:
    """The number of the last event that a webhook which is turned on now doesn't get."""
    if not tx.webhooks.any_on():
        tx.webhook_feed.skip_to_newest()  # nobody wants what happened since the last one was on
    return tx.webhook_feed.newest_seq()


def _make_secret(tx: WebhookTransaction, webhook: Webhook) -> str:
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
    _keep(tx, SECRET_KIND, webhook, secret)
    return secret


def _keep(tx: WebhookTransaction, kind: str, webhook: Webhook, text: str) -> None:
    seal.keep(tx.sealed, tx.master_keys, seal.Context(kind, webhook.id), text.encode())


def _parse_format(text: str) -> Format:
    for name in FORMATS:
        if text == name:
            return name
    raise Invalid(Problem("format", f"Choose one of {', '.join(FORMATS)}."))


def _describe(webhook: Webhook) -> dict[str, object]:
    return {
        "name": webhook.name,
        "url": webhook.place,
        "format": webhook.format,
        "events": list(webhook.events),
        "revision": webhook.revision,
    }
