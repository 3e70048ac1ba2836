"""The instance in the data directory, as commands use it; the caller is the operating system's user."""
# Imports inside functions here: a command imports the part that it uses.

from functools import cached_property
from typing import TYPE_CHECKING

from ari.cli.instances import find_url

if TYPE_CHECKING:
    from ari.cli.local.budgets import LocalBudgets
    from ari.cli.local.consumers import LocalConsumers
    from ari.cli.local.events import LocalEvents
    from ari.cli.local.integrations import LocalIntegrations
    from ari.cli.local.keys import LocalKeys
    from ari.cli.local.kinds import LocalKinds
    from ari.cli.local.models import LocalModels
    from ari.cli.local.notifications import LocalNotifications
    from ari.cli.local.policy import LocalPolicy
    from ari.cli.local.presets import LocalPresets
    from ari.cli.local.prices import LocalPrices
    from ari.cli.local.scopes import LocalScopes
    from ari.cli.local.usage import LocalUsage
    from ari.cli.local.webhooks import LocalWebhooks
    from ari.deps import Deps


class LocalTarget:
    """The parts of an instance, each with the commands about it."""

    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    @property
    def url(self) -> str:
        return find_url(self._deps.instance.settings)

    def now_ms(self) -> int:
        return self._deps.instance.now_ms()

    @cached_property
    def budgets(self) -> "LocalBudgets":
        from ari.cli.local.budgets import LocalBudgets

        return LocalBudgets(self._deps)

    @cached_property
    def consumers(self) -> "LocalConsumers":
        from ari.cli.local.consumers import LocalConsumers

        return LocalConsumers(self._deps)

    @cached_property
    def events(self) -> "LocalEvents":
        from ari.cli.local.events import LocalEvents

        return LocalEvents(self._deps)

    @cached_property
    def integrations(self) -> "LocalIntegrations":
        from ari.cli.local.integrations import LocalIntegrations

        return LocalIntegrations(self._deps)

    @cached_property
    def keys(self) -> "LocalKeys":
        from ari.cli.local.keys import LocalKeys

        return LocalKeys(self._deps)

    @cached_property
    def kinds(self) -> "LocalKinds":
        from ari.cli.local.kinds import LocalKinds

        return LocalKinds(self._deps)

    @cached_property
    def models(self) -> "LocalModels":
        from ari.cli.local.models import LocalModels

        return LocalModels(self._deps)

    @cached_property
    def notifications(self) -> "LocalNotifications":
        from ari.cli.local.notifications import LocalNotifications

        return LocalNotifications(self._deps)

    @cached_property
    def policy(self) -> "LocalPolicy":
        from ari.cli.local.policy import LocalPolicy

        return LocalPolicy(self._deps)

    @cached_property
    def presets(self) -> "LocalPresets":
        from ari.cli.local.presets import LocalPresets

        return LocalPresets(self._deps)

    @cached_property
    def prices(self) -> "LocalPrices":
        from ari.cli.local.prices import LocalPrices

        return LocalPrices(self._deps)

    @cached_property
    def scopes(self) -> "LocalScopes":
        from ari.cli.local.scopes import LocalScopes

        return LocalScopes(self._deps)

    @cached_property
    def usage(self) -> "LocalUsage":
        from ari.cli.local.usage import LocalUsage

        return LocalUsage(self._deps)

    @cached_property
    def webhooks(self) -> "LocalWebhooks":
        from ari.cli.local.webhooks import LocalWebhooks

        return LocalWebhooks(self._deps)
