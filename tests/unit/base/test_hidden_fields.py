"""Promise: a secret is never in a log. What holds keys, headers or bodies has a ``repr`` without them."""

from dataclasses import dataclass

import msgspec

from ari.base.hidden_fields import HiddenFields


class HiddenStruct(HiddenFields, msgspec.Struct, frozen=True):
    """As the structs of requests are."""

    key: bytes


@dataclass(frozen=True, slots=True, repr=False)
class HiddenData(HiddenFields):
    """As data classes are."""

    key: bytes


def test_only_the_name_is_shown() -> None:
    """Also by terminals that format objects themselves."""
    for one in (HiddenStruct(b"ari_k_x"), HiddenData(b"ari_k_x")):
        assert (repr(one), str(one)) == (f"{type(one).__name__}(…)",) * 2
        assert list(one.__rich_repr__()) == ["…"]
        assert one.key == b"ari_k_x"
