"""``ari keys``: create, import, list, change, revoke, delete. Each command is imported when it is called."""

from ari.cli.command_app import CommandApp
from ari.cli.lazy_commands import LazyGroup, list_lazy


class _Keys(LazyGroup):
    lazy = list_lazy(
        ("create", "create_key:create", "Create a key and print its secret once. When piped, prints only the secret."),
        ("import", "import_keys:import_", "Import keys of other systems by their hashes, so their holders keep them."),
        ("list", "list_keys:list_", "List keys, newest first. Filters apply together."),
        (
            "unused-scopes",
            "unused_scopes:show",
            "List scopes that a key holds but has not used in 90 days, as far as the log proves it.",
        ),
        ("show", "change_key:show", "Show a key's details."),
        ("rename", "change_key:rename", "Rename a key."),
        ("scopes", "change_key:scopes", "Set a key's scopes (replaces the current ones)."),
        (
            "expiry",
            "change_key:expiry",
            (
                "Set a key's expiry, counted from now, or that of all keys of a consumer or kind, or with a tag "
                "(listed first)."
            ),
        ),
        (
            "assign",
            "change_key:assign",
            "Set a key's consumer, tags, metadata or environment (--tag and --metadata replace all present ones).",
        ),
        (
            "addresses",
            "change_key:addresses",
            "Set the addresses and networks a key works from. Without --address, it works from anywhere.",
        ),
        (
            "models",
            "change_key:models",
            "Set the AI models a key may use. Without --allow-model and --deny-model, it may use all.",
        ),
        (
            "disable",
            "change_key:disable",
            "Disable a key, or all keys of a consumer or kind, or with a tag (listed first).",
        ),
        ("enable", "change_key:enable", "Enable a disabled key."),
        (
            "enable-restored",
            "enable_after_restore:enable_restored",
            "Enable the keys that ari restore disabled, once you have reviewed them.",
        ),
        (
            "revoke",
            "change_key:revoke",
            "Permanently revoke a key now, or all keys of a consumer or kind, or with a tag (listed first).",
        ),
        ("delete", "change_key:delete", "Delete a revoked or expired key. Its usage and events are kept."),
        (
            "verify",
            "key_verification:verify",
            "Verify a key, read from a prompt or stdin. Exits with 3 if it isn't valid.",
        ),
        ("rotate", "rotation:rotate", "Give a key a new secret and print it once. When piped, prints only the secret."),
        ("retire-old", "rotation:retire_old", "Retire the old secret of a rotated key before its overlap ends."),
        ("secret", "rotation:secret", "Show who uses a secret of a rotated key."),
        ("allow-rotation", "rotation:allow_rotation", "Let the holder of a key rotate it."),
        ("forbid-rotation", "rotation:forbid_rotation", "Don't let the holder of a key rotate it."),
        ("budgets", "key_budgets:budgets_app", "Show, set, increase and reset the budgets of a key."),
        ("limits", "key_limits:limits_app", "Show, set and reset the rate limits of a key."),
        ("credits", "key_limits:credits_app", "Set, add to and remove the credits of a key."),
    )


app = CommandApp(cls=_Keys, no_args_is_help=True)
