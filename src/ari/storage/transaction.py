"""The argument of every command: the stores of one transaction, the caller, and the time."""

from sqlalchemy import Connection

from ari.base.caller import SYSTEM, Caller
from ari.base.master_key import MasterKeys
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
from ari.storage.stores.notices import FeedTables, NoticeTables, OutboxTables
from ari.storage.stores.presets import PresetTables
from ari.storage.stores.provider_keys import ProviderKeyTable
from ari.storage.stores.responses import ResponseTable
from ari.storage.stores.scopes import ScopeTables
from ari.storage.stores.sealed import SealedTable
from ari.storage.stores.second_step import SecondStepTables
from ari.storage.stores.upstreams import UpstreamTable
from ari.storage.stores.watch import WatchTables


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
        self.master_keys = master_keys
        self.now_ms = now_ms
        self.caller = caller
        self.keys = KeyTables(connection, writing=writing)
        self.key_secrets = KeySecretTables(connection)
        self.scopes = ScopeTables(connection, writing=writing)
        self.imports = ImportedKeyTables(connection)
        self.instance_policy = InstancePolicyTable(connection)
        self.consumers = ConsumerTable(connection)
        self.key_groups = KeyGroupTable(connection)
        self.kinds = KindTable(connection)
        self.presets = PresetTables(connection)
        self.listing = KeyListTables(connection)
        self.dismissals = DismissalTables(connection)
        self.events = EventTables(connection, master_keys)
        self.accounts = AccountTables(connection)
        self.second_step = SecondStepTables(connection)
        self.sealed = SealedTable(connection)
        self.responses = ResponseTable(connection)
        self.integrations = IntegrationTable(connection, writing=writing)
        self.ai_rules = AiRulesTable(connection)
        self.provider_keys = ProviderKeyTable(connection)
        self.upstreams = UpstreamTable(connection)
        self.key_value = KeyValueTables(connection)
        self.feed = FeedTables(connection)
        self.notices = NoticeTables(connection)
        self.outbox = OutboxTables(connection)
        self.watch = WatchTables(connection)
