"""The names and descriptions of scopes that operators declare: none can be mistaken for one of ARI's."""

import pytest

from ari.base.errors import Invalid
from ari.keys.custom_scopes import DESCRIPTION_LENGTH, is_scope_name, parse_description, parse_scope_name
from ari.keys.scopes import RESERVED_RESOURCES, RESOURCES


@pytest.mark.parametrize(
    "name", ["orders:read", "a:b", "write:pets", "order-items:read_all", "o" * 31 + ":" + "a" * 31]
)
def test_a_name_is_a_resource_and_an_action(name: str) -> None:
    """The names of other systems that have this form are taken as they are."""
    assert parse_scope_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "orders", "orders:", ":read", "Orders:read", "orders:read:all", "orders:*", "*", "*:read", "orders read"),
        *("orders:read\n", "orders:réad", "orders:٣", "1orders:read", "o" * 32 + ":read", "orders:" + "a" * 32),
    ],
)
def test_any_other_form_is_refused(name: str) -> None:
    """A wildcard would be declared for scopes that don't exist yet; ``keys.scopes`` splits lists at spaces."""
    assert not is_scope_name(name)
    if name.strip() != "orders:read":
        with pytest.raises(Invalid):
            parse_scope_name(name)


@pytest.mark.parametrize("resource", sorted(RESERVED_RESOURCES | {"ari-anything"}))
def test_resources_of_ari_are_reserved(resource: str) -> None:
    """``keys:*`` covers ``keys:anything``, and a later version may bring it as its own (security.md 13)."""
    with pytest.raises(Invalid, match="reserves this resource"):
        parse_scope_name(f"{resource}:anything")


def test_every_resource_of_ari_is_reserved_in_advance() -> None:
    """A version that brings a scope of another resource would widen keys that hold a custom scope of this name."""
    released = {"ai", "ai-account", "api", "integrations", "keys", "notifications", "scopes", "usage"}
    later = {"ari", "audit", "consumers", "kinds", "leaks", "limits", "metrics", "policy"}
    checked = {"webhooks"}  # the migration stops where such a scope was declared
    assert released | later | checked >= RESOURCES
    assert released | later | checked == RESERVED_RESOURCES


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "a\nb", "\u202eabc", "d" * (DESCRIPTION_LENGTH + 1)])
def test_a_description_is_one_visible_line(text: str) -> None:
    """It is shown where the scope is granted; bidi controls could make it say the opposite (security.md 15)."""
    with pytest.raises(Invalid):
        parse_description(text)


def test_a_description_may_be_long_and_of_any_language() -> None:
    """Trimmed, in NFC."""
    assert parse_description(" Bestellungen a\u0308ndern ") == "Bestellungen ändern"
    assert parse_description("d" * DESCRIPTION_LENGTH)
