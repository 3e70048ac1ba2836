"""Read what Settings > Usage > AI shows."""

from collections.abc import Mapping

from ari import keys
from ari.base.money import DisplayCurrency
from ari.deps import Deps
from ari.integrations.upstreams import UpstreamTransaction, list_providers
from ari.usage.reports import ai_summary
from ari.web.ai_use import AiView, build_ai_view
from ari.web.pages.usage_log.view import read_key_names
from ari.web.usage_query import UsageQuery


async def read_ai_view(deps: Deps, query: UsageQuery, currency: DisplayCurrency) -> AiView | None:
    """The use of the AI gateway in the span of the query, by the keys that it has; ``None`` without any."""
    key_ids = None if query.group is None else query.group.key_ids
    used = await deps.report(ai_summary.of_span, query.span, None, key_ids)
    if not used.keys:
        return None
    names = await deps.read(read_key_names, [one.name for one in used.keys])
    of_keys = await deps.read(keys.list_groups_of_keys, "consumer")
    consumers = await deps.report(ai_summary.count_groups, query.span, key_ids, of_keys)
    consumer_names = await deps.read(keys.name_groups, "consumer", [one.name for one in consumers])
    titles = await deps.read(read_provider_titles)
    return build_ai_view(used, names, consumers, consumer_names, titles, currency)


def read_provider_titles(tx: UpstreamTransaction) -> Mapping[str, str]:
    """The titles of the AI providers and named upstreams, by name."""
    return {one.name: one.title for one in list_providers(tx) if one.is_ai}
