"""Other names for models: ``fast`` for ``openai/gpt-5-mini``."""

import msgspec


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``targets`` are ``provider/model``, in the order in which they are tried."""

    name: str
    targets: tuple[str, ...]


class AliasRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All aliases, by name."""

    aliases: tuple[Alias, ...] = ()
