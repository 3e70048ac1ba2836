"""API keys: what they are, the rules for them, and the commands and queries that doors run with ``Deps``."""

from ari.keys.commands.bulk import (
    MAX_KEYS_AT_ONCE,
    Selection,
    change_expiry_of_many,
    delete_many,
    revoke_many,
    select_deletable,
    select_revocable,
)
from ari.keys.commands.bulk_by_filter import (
    AffectedKeys,
    BulkAction,
    BulkChange,
    Confirmed,
    change_matching,
    list_affected,
)
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.consumers import (
    ConsumerChange,
    NewConsumer,
    add_consumer_credits,
    change_consumer,
    consumer_facts,
    count_keys_of,
    create_consumer,
    delete_consumer,
    get_consumer,
    get_consumers,
    limit_rules_facts,
    list_keys_of,
    reset_consumer_limits,
)
from ari.keys.commands.create import Created, NewKey, create, require_may_create
from ari.keys.commands.delete import delete
from ari.keys.commands.import_keys import (
    MAX_LINES,
    ImportResult,
    LineResult,
    PreparedImport,
    check_import,
    import_facts,
    import_keys,
    prepare_import,
)
from ari.keys.commands.instance_policy import (
    InstancePolicyChange,
    change_instance_policy,
    get_instance_policy,
)
from ari.keys.commands.kinds import KindChange, add_kind, change_kind, get_kind, list_kinds, remove_kind
from ari.keys.commands.limiting import add_credits, reset_limits
from ari.keys.commands.presets import (
    choose_default_preset,
    get_default_preset,
    get_preset,
    list_presets,
    preset_facts,
    remove_preset,
    save_preset,
)
from ari.keys.commands.rehash import list_salted, rehash
from ari.keys.commands.report_leak import LeakReport, list_salted_words, report_leak, report_leaks
from ari.keys.commands.revoke import revoke
from ari.keys.commands.rotate import Rotated, Rotation, require_may_rotate, retire_old, rotate
from ari.keys.commands.scopes import (
    declare_scope,
    describe_scope,
    get_scope,
    list_keys_losing,
    list_texts_removed_with,
    remove_scope,
)
from ari.keys.commands.stamp import stamp_expired
from ari.keys.events import record_exposure
from ari.keys.key_filters import make_filter
from ari.keys.kinds import LeakAction
from ari.keys.queries import get, get_active_made_by, get_even_deleted, get_names, get_page, get_secrets
from ari.keys.scope_queries import ScopeFacts, list_keys_with_scope, list_scopes, read_scope
from ari.keys.unset import UNSET, Unset

__all__ = [
    "MAX_KEYS_AT_ONCE",
    "MAX_LINES",
    "UNSET",
    "AffectedKeys",
    "BulkAction",
    "BulkChange",
    "Confirmed",
    "ConsumerChange",
    "Created",
    "ImportResult",
    "InstancePolicyChange",
    "KeyChange",
    "KindChange",
    "LeakAction",
    "LeakReport",
    "LineResult",
    "NewConsumer",
    "NewKey",
    "PreparedImport",
    "Rotated",
    "Rotation",
    "ScopeFacts",
    "Selection",
    "Unset",
    "add_consumer_credits",
    "add_credits",
    "add_kind",
    "change",
    "change_consumer",
    "change_expiry_of_many",
    "change_instance_policy",
    "change_kind",
    "change_matching",
    "check_import",
    "choose_default_preset",
    "consumer_facts",
    "count_keys_of",
    "create",
    "create_consumer",
    "declare_scope",
    "delete",
    "delete_consumer",
    "delete_many",
    "describe_scope",
    "get",
    "get_active_made_by",
    "get_consumer",
    "get_consumers",
    "get_default_preset",
    "get_even_deleted",
    "get_instance_policy",
    "get_kind",
    "get_names",
    "get_page",
    "get_preset",
    "get_scope",
    "get_secrets",
    "import_facts",
    "import_keys",
    "limit_rules_facts",
    "list_affected",
    "list_keys_losing",
    "list_keys_of",
    "list_keys_with_scope",
    "list_kinds",
    "list_presets",
    "list_salted",
    "list_salted_words",
    "list_scopes",
    "list_texts_removed_with",
    "make_filter",
    "prepare_import",
    "preset_facts",
    "read_scope",
    "record_exposure",
    "rehash",
    "remove_kind",
    "remove_preset",
    "remove_scope",
    "report_leak",
    "report_leaks",
    "require_may_create",
    "require_may_rotate",
    "reset_consumer_limits",
    "reset_limits",
    "retire_old",
    "revoke",
    "revoke_many",
    "rotate",
    "save_preset",
    "select_deletable",
    "select_revocable",
    "stamp_expired",
]
