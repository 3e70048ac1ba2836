"""API keys: what they are, the rules for them, and the commands and queries that doors run with ``Deps``.

Each name is imported from its module when it is first used, so a command starts with the few that it needs.
"""
# ruff: isort: skip_file

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ari.keys.assignment_checks import require_may_manage_consumers as require_may_manage_consumers
    from ari.keys.budget_owners import (
        find_budget_owners as find_budget_owners,
        list_budget_owners as list_budget_owners,
    )
    from ari.keys.commands.bulk import (
        MAX_KEYS_AT_ONCE as MAX_KEYS_AT_ONCE,
        Selection as Selection,
        change_expiry_of_many as change_expiry_of_many,
        delete_many as delete_many,
        revoke_many as revoke_many,
        select_deletable as select_deletable,
        select_revocable as select_revocable,
    )
    from ari.keys.commands.bulk_by_filter import (
        AffectedKeys as AffectedKeys,
        BulkAction as BulkAction,
        BulkChange as BulkChange,
        Confirmed as Confirmed,
        change_matching as change_matching,
        list_affected as list_affected,
    )
    from ari.keys.commands.change import KeyChange as KeyChange, change as change
    from ari.keys.commands.consumer_budgets import (
        increase_consumer_budget as increase_consumer_budget,
        reset_consumer_budgets as reset_consumer_budgets,
    )
    from ari.keys.commands.consumers import (
        ConsumerChange as ConsumerChange,
        NewConsumer as NewConsumer,
        add_consumer_credits as add_consumer_credits,
        change_consumer as change_consumer,
        consumer_facts as consumer_facts,
        count_keys_of as count_keys_of,
        create_consumer as create_consumer,
        delete_consumer as delete_consumer,
        get_consumer as get_consumer,
        get_consumers as get_consumers,
        limit_rules_facts as limit_rules_facts,
        list_keys_of as list_keys_of,
        require_consumer as require_consumer,
        require_may_add_credits as require_may_add_credits,
        reset_consumer_limits as reset_consumer_limits,
    )
    from ari.keys.commands.create import (
        Created as Created,
        NewKey as NewKey,
        create as create,
        require_may_create as require_may_create,
        require_may_receive as require_may_receive,
    )
    from ari.keys.commands.delete import delete as delete
    from ari.keys.commands.import_keys import (
        MAX_LINES as MAX_LINES,
        ImportResult as ImportResult,
        LineResult as LineResult,
        PreparedImport as PreparedImport,
        check_import as check_import,
        describe_line as describe_line,
        import_facts as import_facts,
        import_keys as import_keys,
        prepare_import as prepare_import,
    )
    from ari.keys.commands.instance_policy import (
        InstancePolicyChange as InstancePolicyChange,
        change_instance_policy as change_instance_policy,
        get_instance_policy as get_instance_policy,
    )
    from ari.keys.commands.kinds import (
        KindChange as KindChange,
        add_kind as add_kind,
        change_kind as change_kind,
        explain_use as explain_use,
        get_kind as get_kind,
        list_kinds as list_kinds,
        read_kind_facts as read_kind_facts,
        read_kinds_facts as read_kinds_facts,
        remove_kind as remove_kind,
    )
    from ari.keys.commands.limiting import (
        add_credits as add_credits,
        increase_budget as increase_budget,
        reset_budgets as reset_budgets,
        reset_limits as reset_limits,
    )
    from ari.keys.commands.presets import (
        choose_default_preset as choose_default_preset,
        get_default_preset as get_default_preset,
        get_preset as get_preset,
        list_presets as list_presets,
        preset_facts as preset_facts,
        remove_preset as remove_preset,
        save_preset as save_preset,
    )
    from ari.keys.commands.rehash import list_salted as list_salted, rehash as rehash
    from ari.keys.commands.report_leak import (
        LeakedKey as LeakedKey,
        LeakReport as LeakReport,
        choose_leak_action as choose_leak_action,
        list_salted_words as list_salted_words,
        report_leak as report_leak,
        report_leaks as report_leaks,
    )
    from ari.keys.commands.revoke import revoke as revoke
    from ari.keys.commands.rotate import (
        Rotated as Rotated,
        Rotation as Rotation,
        require_may_rotate as require_may_rotate,
        retire_old as retire_old,
        rotate as rotate,
    )
    from ari.keys.commands.scopes import (
        declare_scope as declare_scope,
        describe_scope as describe_scope,
        get_scope as get_scope,
        list_keys_losing as list_keys_losing,
        list_texts_removed_with as list_texts_removed_with,
        remove_scope as remove_scope,
    )
    from ari.keys.commands.stamp import stamp_expired as stamp_expired
    from ari.keys.events import record_exposure as record_exposure
    from ari.keys.groups import (
        KeyGroup as KeyGroup,
        find_group as find_group,
        list_groups_of_keys as list_groups_of_keys,
        name_groups as name_groups,
    )
    from ari.keys.key_filters import make_filter as make_filter
    from ari.keys.kinds import LeakAction as LeakAction
    from ari.keys.queries import (
        get as get,
        get_active_made_by as get_active_made_by,
        get_even_deleted as get_even_deleted,
        get_names as get_names,
        get_page as get_page,
        get_secrets as get_secrets,
    )
    from ari.keys.scope_queries import (
        ScopeFacts as ScopeFacts,
        list_keys_with_scope as list_keys_with_scope,
        list_scopes as list_scopes,
        read_scope as read_scope,
    )
    from ari.keys.unset import UNSET as UNSET, Unset as Unset

_PLACES = {
    "MAX_KEYS_AT_ONCE": "commands.bulk",
    "MAX_LINES": "commands.import_keys",
    "UNSET": "unset",
    "AffectedKeys": "commands.bulk_by_filter",
    "BulkAction": "commands.bulk_by_filter",
    "BulkChange": "commands.bulk_by_filter",
    "Confirmed": "commands.bulk_by_filter",
    "ConsumerChange": "commands.consumers",
    "Created": "commands.create",
    "ImportResult": "commands.import_keys",
    "InstancePolicyChange": "commands.instance_policy",
    "KeyChange": "commands.change",
    "KeyGroup": "groups",
    "KindChange": "commands.kinds",
    "LeakAction": "kinds",
    "LeakReport": "commands.report_leak",
    "LeakedKey": "commands.report_leak",
    "LineResult": "commands.import_keys",
    "NewConsumer": "commands.consumers",
    "NewKey": "commands.create",
    "PreparedImport": "commands.import_keys",
    "Rotated": "commands.rotate",
    "Rotation": "commands.rotate",
    "ScopeFacts": "scope_queries",
    "Selection": "commands.bulk",
    "Unset": "unset",
    "add_consumer_credits": "commands.consumers",
    "add_credits": "commands.limiting",
    "add_kind": "commands.kinds",
    "change": "commands.change",
    "change_consumer": "commands.consumers",
    "change_expiry_of_many": "commands.bulk",
    "change_instance_policy": "commands.instance_policy",
    "change_kind": "commands.kinds",
    "change_matching": "commands.bulk_by_filter",
    "check_import": "commands.import_keys",
    "choose_default_preset": "commands.presets",
    "choose_leak_action": "commands.report_leak",
    "consumer_facts": "commands.consumers",
    "count_keys_of": "commands.consumers",
    "create": "commands.create",
    "create_consumer": "commands.consumers",
    "declare_scope": "commands.scopes",
    "delete": "commands.delete",
    "delete_consumer": "commands.consumers",
    "delete_many": "commands.bulk",
    "describe_line": "commands.import_keys",
    "describe_scope": "commands.scopes",
    "explain_use": "commands.kinds",
    "find_budget_owners": "budget_owners",
    "find_group": "groups",
    "get": "queries",
    "get_active_made_by": "queries",
    "get_consumer": "commands.consumers",
    "get_consumers": "commands.consumers",
    "get_default_preset": "commands.presets",
    "get_even_deleted": "queries",
    "get_instance_policy": "commands.instance_policy",
    "get_kind": "commands.kinds",
    "get_names": "queries",
    "get_page": "queries",
    "get_preset": "commands.presets",
    "get_scope": "commands.scopes",
    "get_secrets": "queries",
    "import_facts": "commands.import_keys",
    "import_keys": "commands.import_keys",
    "increase_budget": "commands.limiting",
    "increase_consumer_budget": "commands.consumer_budgets",
    "limit_rules_facts": "commands.consumers",
    "list_affected": "commands.bulk_by_filter",
    "list_budget_owners": "budget_owners",
    "list_groups_of_keys": "groups",
    "list_keys_losing": "commands.scopes",
    "list_keys_of": "commands.consumers",
    "list_keys_with_scope": "scope_queries",
    "list_kinds": "commands.kinds",
    "list_presets": "commands.presets",
    "list_salted": "commands.rehash",
    "list_salted_words": "commands.report_leak",
    "list_scopes": "scope_queries",
    "list_texts_removed_with": "commands.scopes",
    "make_filter": "key_filters",
    "name_groups": "groups",
    "prepare_import": "commands.import_keys",
    "preset_facts": "commands.presets",
    "read_kind_facts": "commands.kinds",
    "read_kinds_facts": "commands.kinds",
    "read_scope": "scope_queries",
    "record_exposure": "events",
    "rehash": "commands.rehash",
    "remove_kind": "commands.kinds",
    "remove_preset": "commands.presets",
    "remove_scope": "commands.scopes",
    "report_leak": "commands.report_leak",
    "report_leaks": "commands.report_leak",
    "require_consumer": "commands.consumers",
    "require_may_add_credits": "commands.consumers",
    "require_may_create": "commands.create",
    "require_may_manage_consumers": "assignment_checks",
    "require_may_receive": "commands.create",
    "require_may_rotate": "commands.rotate",
    "reset_budgets": "commands.limiting",
    "reset_consumer_budgets": "commands.consumer_budgets",
    "reset_consumer_limits": "commands.consumers",
    "reset_limits": "commands.limiting",
    "retire_old": "commands.rotate",
    "revoke": "commands.revoke",
    "revoke_many": "commands.bulk",
    "rotate": "commands.rotate",
    "save_preset": "commands.presets",
    "select_deletable": "commands.bulk",
    "select_revocable": "commands.bulk",
    "stamp_expired": "commands.stamp",
}
"""The module of each name."""


if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"ari.keys.{_PLACES[name]}"), name)
        return found
