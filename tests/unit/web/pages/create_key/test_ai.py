"""The providers that the form for a new key offers, and their scopes."""

import pytest

from ari.base.errors import Invalid
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.environment import ProviderEnvironment
from ari.keys.scopes import SCOPES
from ari.web.pages.create_key.ai import ai_choices, ai_scopes

GIVEN = ProviderEnvironment({"mistral": "a-key-from-the-environment"})


def list_ticked(instance: Instance, environment: ProviderEnvironment, chosen: list[str] | None) -> set[str]:
    found = Deps(instance).read_sync(ai_choices, environment, chosen)
    return {one.name for one in found if one.ticked}


def test_configured_providers_come_first_and_are_selected(instance: Instance) -> None:
    """A key for the gateway may use what works, unless the owner says more."""
    found = Deps(instance).read_sync(ai_choices, GIVEN, None)
    assert (found[0].name, found[0].title, found[0].configured) == ("mistral", "Mistral", True)
    assert list_ticked(instance, GIVEN, None) == {"mistral"}


def test_without_any_configured_provider_all_are_selected(instance: Instance) -> None:
    """The form is usable before the first provider key is added."""
    found = Deps(instance).read_sync(ai_choices, ProviderEnvironment(), None)
    assert len(found) > 5
    assert all(one.ticked and not one.configured for one in found)


def test_what_was_selected_stays_selected(instance: Instance) -> None:
    """A form that comes back with a problem shows the choice that was sent, also an empty one."""
    assert list_ticked(instance, GIVEN, ["openai", "no-such"]) == {"openai"}
    assert list_ticked(instance, GIVEN, []) == set()


def test_every_offered_provider_has_a_scope(instance: Instance) -> None:
    """Choosing it can't end in an unknown scope; one that only sends email is not offered."""
    names = [one.name for one in Deps(instance).read_sync(ai_choices, GIVEN, None)]
    assert set(ai_scopes(names)) <= set(SCOPES)
    assert "resend" not in names


def test_scopes_are_those_of_the_selection_once_each() -> None:
    """No provider is added; none selected is a message at the field."""
    assert ai_scopes(["openai", "anthropic", "openai"]) == ("ai:anthropic", "ai:openai")
    with pytest.raises(Invalid) as raised:
        ai_scopes([])
    assert [(one.location, one.message) for one in raised.value.problems] == [("ai", "Select at least one provider.")]
