"""The argument of every command: the stores of one transaction, the caller, and the time."""
# Imports inside functions here: a command of the terminal imports only the stores that it uses.
# ruff: noqa: PLC0415

from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ari.base.caller import SYSTEM, Caller
from ari.base.master_key import MasterKeys

if TYPE_CHECKING:
    from ari.storage.audit_log.feed import AuditFeed
    from ari.storage.stores.accounts import AccountTables, KeyValueTables
    from ari.storage.stores.ai_rules import AiRulesTable
    from ari.storage.stores.consumers import ConsumerTable
    from ari.storage.stores.dismissals import DismissalTables
    from ari.storage.stores.events import EventTables
    from ari.storage.stores.imported_keys import ImportedKeyTables
    from ari.storage.stores.instance_policy import InstancePolicyTable
    from ari.storage.stores.integrations import IntegrationTable
    from ari.storage.stores.key_groups import KeyGroupTable
    from ari.storage.stores.key_listing import KeyListTables
    from ari.storage.stores.key_secrets import KeySecretTables
    from ari.storage.stores.keys import KeyTables
    from ari.storage.stores.kinds import KindTable
    from ari.storage.stores.notices import FeedTables, MarkedEvents, NoticeTables, OutboxTables
    from ari.storage.stores.presets import PresetTables
    from ari.storage.stores.provider_keys import ProviderKeyTable
    from ari.storage.stores.responses import ResponseTable
    from ari.storage.stores.scopes import ScopeTables
    from ari.storage.stores.sealed import SealedTable
    from ari.storage.stores.second_step import SecondStepTables
    from ari.storage.stores.upstreams import UpstreamTable
    from ari.storage.stores.watch import WatchTables
    from ari.storage.stores.webhooks import DeliveryTable, WebhookTable


class Transaction:
    """The stores of one transaction, its caller, and the time when it began: all that the concepts' ports ask for."""

    def __init__(
        self,
        connection: Connection,
        master_keys: MasterKeys,
        now_ms: int,
        caller: Caller = SYSTEM,
        *,
        writing: bool,
    ) -> None:
        self._connection = connection
        self._writing = writing
        self.master_keys = master_keys
        self.now_ms = now_ms
        self.caller = caller

    @cached_property
    def keys(self) -> "KeyTables":
        from ari.storage.stores.keys import KeyTables

        return KeyTables(self._connection, writing=self._writing)

    @cached_property
    def key_secrets(self) -> "KeySecretTables":
        from ari.storage.stores.key_secrets import KeySecretTables

        return KeySecretTables(self._connection)

    @cached_property
    def scopes(self) -> "ScopeTables":
        from ari.storage.stores.scopes import ScopeTables

        return ScopeTables(self._connection, writing=self._writing)

    @cached_property
    def imports(self) -> "ImportedKeyTables":
        from ari.storage.stores.imported_keys import ImportedKeyTables

        return ImportedKeyTables(self._connection)

    @cached_property
    def instance_policy(self) -> "InstancePolicyTable":
        from ari.storage.stores.instance_policy import InstancePolicyTable

        return InstancePolicyTable(self._connection)

    @cached_property
    def consumers(self) -> "ConsumerTable":
        from ari.storage.stores.consumers import ConsumerTable

        return ConsumerTable(self._connection)

    @cached_property
    def key_groups(self) -> "KeyGroupTable":
        from ari.storage.stores.key_groups import KeyGroupTable

        return KeyGroupTable(self._connection)

    @cached_property
    def kinds(self) -> "KindTable":
        from ari.storage.stores.kinds import KindTable

        return KindTable(self._connection)

    @cached_property
    def presets(self) -> "PresetTables":
        from ari.storage.stores.presets import PresetTables

        return PresetTables(self._connection)

    @cached_property
    def listing(self) -> "KeyListTables":
        from ari.storage.stores.key_listing import KeyListTables

        return KeyListTables(self._connection)

    @cached_property
    def dismissals(self) -> "DismissalTables":
        from ari.storage.stores.dismissals import DismissalTables

        return DismissalTables(self._connection)

    @cached_property
    def audit_feed(self) -> "AuditFeed":
        from ari.storage.audit_log.feed import AuditFeed

        return AuditFeed(self._connection, self.master_keys)

    @cached_property
    def events(self) -> "EventTables":
        from ari.storage.stores.events import EventTables

        return EventTables(self._connection, self.master_keys)

    @cached_property
    def accounts(self) -> "AccountTables":
        from ari.storage.stores.accounts import AccountTables

        return AccountTables(self._connection)

    @cached_property
    def second_step(self) -> "SecondStepTables":
        from ari.storage.stores.second_step import SecondStepTables

        return SecondStepTables(self._connection)

    @cached_property
    def sealed(self) -> "SealedTable":
        from ari.storage.stores.sealed import SealedTable

        return SealedTable(self._connection)

    @cached_property
    def responses(self) -> "ResponseTable":
        from ari.storage.stores.responses import ResponseTable

        return ResponseTable(self._connection)

    @cached_property
    def integrations(self) -> "IntegrationTable":
        from ari.storage.stores.integrations import IntegrationTable

        return IntegrationTable(self._connection, writing=self._writing)

    @cached_property
    def ai_rules(self) -> "AiRulesTable":
        from ari.storage.stores.ai_rules import AiRulesTable

        return AiRulesTable(self._connection)

    @cached_property
    def provider_keys(self) -> "ProviderKeyTable":
        from ari.storage.stores.provider_keys import ProviderKeyTable

        return ProviderKeyTable(self._connection)

    @cached_property
    def upstreams(self) -> "UpstreamTable":
        from ari.storage.stores.upstreams import UpstreamTable

        return UpstreamTable(self._connection)

    @cached_property
    def key_value(self) -> "KeyValueTables":
        from ari.storage.stores.accounts import KeyValueTables

        return KeyValueTables(self._connection)

    @cached_property
    def feed(self) -> "FeedTables":
        from ari.storage.stores.notices import FeedTables

        return FeedTables(self._connection)

    @cached_property
    def notices(self) -> "NoticeTables":
        from ari.storage.stores.notices import NoticeTables

        return NoticeTables(self._connection)

    @cached_property
    def outbox(self) -> "OutboxTables":
        from ari.storage.stores.notices import OutboxTables

        return OutboxTables(self._connection)

    @cached_property
    def watch(self) -> "WatchTables":
        from ari.storage.stores.watch import WatchTables

        return WatchTables(self._connection)

    @cached_property
    def webhooks(self) -> "WebhookTable":
        from ari.storage.stores.webhooks import WebhookTable

        return WebhookTable(self._connection)

    @cached_property
    def deliveries(self) -> "DeliveryTable":
        from ari.storage.stores.webhooks import DeliveryTable

        return DeliveryTable(self._connection)

    @cached_property
    def webhook_feed(self) -> "MarkedEvents":
        from ari.storage.stores.notices import MarkedEvents
        from ari.storage.stores.webhooks import WEBHOOKS_READ

        return MarkedEvents(self._connection, WEBHOOKS_READ)
