"""Make an instance have the named upstreams that a configuration says. Their keys are never in a file."""

from collections.abc import Collection, Iterator, Mapping

from ari.base.addresses import AddressList
from ari.base.errors import Conflict
from ari.integrations.commands import BaseUrlTransaction, set_base_url
from ari.integrations.upstream_commands import add_upstream, remove_upstream, rename_upstream
from ari.integrations.upstreams import Upstream, make_upstream_provider
from ari.keys import granting
from ari.keys.commands.apply import AppliedChange, compare_fields, locate
from ari.keys.configuration import DeclaredUpstream

_SCOPE = "integrations:write"
_KEYS_LOST = "This deletes its stored keys. Use force if that is what you want."
_KEYS_LEFT = "Active API keys list its scope. Use force to remove it all the same."


def apply_upstreams(
    tx: BaseUrlTransaction, wanted: Mapping[str, DeclaredUpstream], force: bool, listed: AddressList
) -> Iterator[AppliedChange]:
    """Add and change upstreams. Another base URL deletes the stored keys, so it needs ``force`` if there are any.

    Raises ``Invalid`` with the path of the entry, ``Conflict``, ``Forbidden``, ``ReauthRequired``.
    """
    granting.require_within(tx.caller, (_SCOPE,), f"A key needs the scope {_SCOPE} to change upstreams.")
    for name, declared in wanted.items():
        found = tx.upstreams.get(name)
        with locate(f"upstreams.{name}"):
            if found is None:
                add_upstream(tx, name, declared.title or name, declared.base_url, listed)
                yield AppliedChange("add", "upstream", name)
            else:
                yield from _change(tx, found, declared, force, listed)


def prune_upstreams(tx: BaseUrlTransaction, kept: Collection[str], force: bool) -> Iterator[AppliedChange]:
    """Remove the other upstreams; one with stored keys, or that active API keys may use, needs ``force``."""
    for name in sorted(one.name for one in tx.upstreams.all() if one.name not in kept):
        has_keys = bool(tx.provider_keys.of(name))
        is_listed = tx.upstreams.count_keys_with_scopes(name, tx.now_ms) > 0
        if (has_keys or is_listed) and not force:
            raise Conflict("conflict", f"{name}: {_KEYS_LOST if has_keys else _KEYS_LEFT}")
        remove_upstream(tx, name)
        yield AppliedChange("remove", "upstream", name, needs_force=has_keys or is_listed)


def _change(
    tx: BaseUrlTransaction, found: Upstream, declared: DeclaredUpstream, force: bool, listed: AddressList
) -> Iterator[AppliedChange]:
    before, has_keys = tx.integrations.get(found.name), bool(tx.provider_keys.of(found.name))
    provider = make_upstream_provider(found.name, found.title)
    old_url = None if before is None else before.base_url
    new_url = set_base_url(tx, provider, declared.base_url, listed).base_url
    is_moved = new_url != old_url
    loses_keys = is_moved and has_keys
    if loses_keys and not force:
        raise Conflict("conflict", f"{found.name}: {_KEYS_LOST}")
    title = found.title if declared.title is None else declared.title
    renamed = rename_upstream(tx, found.name, title)
    if renamed != found or is_moved:
        ends = ({"base_url": old_url, "title": found.title}, {"base_url": new_url, "title": renamed.title})
        yield AppliedChange("change", "upstream", found.name, needs_force=loses_keys, fields=compare_fields(*ends))
