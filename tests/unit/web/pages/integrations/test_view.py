"""What Settings > Integrations shows."""

from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands, health, pool
from ari.integrations.credentials import credential
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.key_rests import KeyRest
from ari.integrations.providers import get_provider, providers
from ari.web.pages.integrations.view import badge_of, has_own_base_url, initials_of, list_addable, read_states
from tests.support.commands import as_caller, create_key

KEY = "sk-" + "A1b2" * 12


def test_configured_providers_are_apart_and_the_key_that_added_one_is_named(instance: Instance) -> None:
    """The owner sees which API key changed where requests go."""
    environment = ProviderEnvironment({"mistral": "a-key-from-the-environment"})
    adder = create_key(instance, "Deploy Bot", scopes=("integrations:write",)).key
    Deps(instance, as_caller(adder)).do_sync(commands.put_key, get_provider("openai"), environment, KEY)
    found = Deps(instance).read_sync(read_states, environment)
    assert {one.provider.name for one in found.configured} == {"mistral", "openai"}
    assert len(found.configured) + len(found.other) == len(providers())
    assert found.key_names == {adder.id: "Deploy Bot"}
    assert {badge_of(one, instance.find_rest).text for one in found.configured} == {"Configured"}
    assert {badge_of(one, instance.find_rest).text for one in found.other} == {"Not configured"}


def test_no_state_holds_a_key(instance: Instance) -> None:
    """Templates only ever see the mask (security.md 34)."""
    environment = ProviderEnvironment()
    Deps(instance).do_sync(commands.put_key, get_provider("openai"), environment, KEY)
    (state,) = Deps(instance).read_sync(read_states, environment).configured
    assert state.mask == f"{KEY[:4]}…{KEY[-4:]}"
    assert KEY not in repr(state)


def test_logos_have_two_letters_and_distinguish_providers() -> None:
    """OpenAI is OA, not Op; a title with one capital begins with it."""
    marks = {name: initials_of(one) for name, one in providers().items()}
    assert (marks["openai"], marks["mistral"], marks["xai"]) == ("OA", "Mi", "Xa")
    assert all(len(mark) == 2 for mark in marks.values())
    assert len(set(marks.values())) == len(marks)


def test_only_some_providers_have_a_base_url_of_the_owners() -> None:
    """One that lives at a fixed address offers no field that could send its key elsewhere."""
    assert has_own_base_url(get_provider("openai_compatible"))
    fixed = [one for one in providers().values() if one.base_url is not None and one.base_url_variable is None]
    assert not any(has_own_base_url(one) for one in fixed)


def test_a_provider_that_works_says_how_many_of_its_keys_do_not(instance: Instance) -> None:
    """One rejected and one resting key of three are in the badge, or the provider would look healthy."""
    openai, environment, deps = get_provider("openai"), ProviderEnvironment(), Deps(instance)
    added = [deps.do_sync(pool.add_key, openai, environment, f"{KEY}{letter}") for letter in "abc"]
    refused = deps.read_sync(credential, openai, environment, added[0].id)
    deps.do_sync(health.record_rejected, refused, "OpenAI rejected the key.", 401)
    (state,) = deps.read_sync(read_states, environment).configured
    rests = {added[1].id: KeyRest(instance.now_ms() + 60_000)}
    assert badge_of(state, lambda key: rests.get(key.id)) == ("soon", "1 of 3 keys rejected, 1 resting")
    assert badge_of(state, lambda key: None) == ("soon", "1 of 3 keys rejected")


def test_a_service_without_a_name_is_listed_only_once_it_is_set_up(instance: Instance) -> None:
    """Pages add OpenAI-compatible services in one way, under names of their own."""
    provider = get_provider("openai_compatible")
    fresh = Deps(instance).read_sync(read_states, ProviderEnvironment())
    assert provider not in [one.provider for one in list_addable(fresh.other)]
    assert {one.provider for one in list_addable(fresh.other)} == {
        one for one in providers().values() if one.is_ai and one != provider
    }
    environment = ProviderEnvironment(base_urls={"openai_compatible": "http://127.0.0.1:8000/v1"})
    found = Deps(instance).read_sync(read_states, environment)
    assert provider in [one.provider for one in (*found.configured, *list_addable(found.other))]
