"""The operator's own prices and discounts."""

import msgspec


class PriceRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Empty: the prices of the bundled library count."""
