"""All kinds of notices. To add one, write its file and list it here."""

from ari.notifications.kind import NoticeKind
from ari.notifications.kinds import (
    backup_failed,
    budget_threshold_reached,
    dead_key_called,
    email_change,
    email_changed,
    key_created,
    key_expired_in_use,
    key_expiring,
    key_leaked,
    key_new_address,
    key_revoked,
    key_secret_retiring,
    key_widened,
    keys_imported,
    keys_unused,
    new_device,
    password_reset,
    provider_key_rejected,
    refused_burst,
    two_factor_off,
    webhook_failing,
)

_FILES = (
    key_expiring,
    key_secret_retiring,
    key_expired_in_use,
    dead_key_called,
    key_leaked,
    key_new_address,
    refused_burst,
    budget_threshold_reached,
    keys_unused,
    key_created,
    keys_imported,
    key_widened,
    key_revoked,
    provider_key_rejected,
    webhook_failing,
    backup_failed,
    new_device,
    two_factor_off,
    password_reset,
    email_change,
    email_changed,
)

KINDS: dict[str, NoticeKind] = {file.KIND.name: file.KIND for file in _FILES}
"""By name, in the order of the page."""
