"""A remote instance, as commands use it over its API; the caller is a key."""
# Imports inside functions here: a command imports the part that it uses.

from functools import cached_property
from typing import TYPE_CHECKING

from ari.base.clock import system_clock

if TYPE_CHECKING:
    from ari.cli.remote.budgets import RemoteBudgets
    from ari.cli.remote.connection import Connection
    from ari.cli.remote.consumers import RemoteConsumers
    from ari.cli.remote.events import RemoteEvents
    from ari.cli.remote.integrations import RemoteIntegrations
    from ari.cli.remote.keys import RemoteKeys
    from ari.cli.remote.kinds import RemoteKinds
    from ari.cli.remote.models import RemoteModels
    from ari.cli.remote.notifications import RemoteNotifications
    from ari.cli.remote.own_key import RemoteOwnKey
    from ari.cli.remote.policy import RemotePolicy
    from ari.cli.remote.presets import RemotePresets
    from ari.cli.remote.prices import RemotePrices
    from ari.cli.remote.scopes import RemoteScopes
    from ari.cli.remote.usage import RemoteUsage
    from ari.cli.remote.webhooks import RemoteWebhooks


class RemoteTarget:
    """The parts of an instance, each with the commands about it."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self.url = connection.url
        self._clock = system_clock(None)

    def now_ms(self) -> int:
        """The present instant by this machine's clock."""
        return self._clock.now_ms()

    @cached_property
    def budgets(self) -> "RemoteBudgets":
        from ari.cli.remote.budgets import RemoteBudgets

        return RemoteBudgets(self._connection)

    @cached_property
    def consumers(self) -> "RemoteConsumers":
        from ari.cli.remote.consumers import RemoteConsumers

        return RemoteConsumers(self._connection)

    @cached_property
    def events(self) -> "RemoteEvents":
        from ari.cli.remote.events import RemoteEvents

        return RemoteEvents(self._connection, self.now_ms())

    @cached_property
    def integrations(self) -> "RemoteIntegrations":
        from ari.cli.remote.integrations import RemoteIntegrations

        return RemoteIntegrations(self._connection)

    @cached_property
    def keys(self) -> "RemoteKeys":
        from ari.cli.remote.keys import RemoteKeys

        return RemoteKeys(self._connection)

    @cached_property
    def kinds(self) -> "RemoteKinds":
        from ari.cli.remote.kinds import RemoteKinds

        return RemoteKinds(self._connection)

    @cached_property
    def models(self) -> "RemoteModels":
        from ari.cli.remote.models import RemoteModels

        return RemoteModels(self._connection)

    @cached_property
    def notifications(self) -> "RemoteNotifications":
        from ari.cli.remote.notifications import RemoteNotifications

        return RemoteNotifications(self._connection)

    @cached_property
    def policy(self) -> "RemotePolicy":
        from ari.cli.remote.policy import RemotePolicy

        return RemotePolicy(self._connection)

    @cached_property
    def presets(self) -> "RemotePresets":
        from ari.cli.remote.presets import RemotePresets

        return RemotePresets(self._connection)

    @cached_property
    def prices(self) -> "RemotePrices":
        from ari.cli.remote.prices import RemotePrices

        return RemotePrices(self._connection)

    @cached_property
    def scopes(self) -> "RemoteScopes":
        from ari.cli.remote.scopes import RemoteScopes

        return RemoteScopes(self._connection)

    @cached_property
    def usage(self) -> "RemoteUsage":
        from ari.cli.remote.usage import RemoteUsage

        return RemoteUsage(self._connection, self.now_ms())

    @cached_property
    def webhooks(self) -> "RemoteWebhooks":
        from ari.cli.remote.webhooks import RemoteWebhooks

        return RemoteWebhooks(self._connection)

    @cached_property
    def me(self) -> "RemoteOwnKey":
        from ari.cli.remote.own_key import RemoteOwnKey

        return RemoteOwnKey(self._connection)
