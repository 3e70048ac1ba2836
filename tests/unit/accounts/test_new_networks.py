"""A stranger who keeps an account's sign-in busy does not lock its owner out."""

from ari.accounts.networks import networks_around
from ari.accounts.new_networks import NEWCOMERS, TRIES, entry_of, instant_of, may_try

OWNER = networks_around("203.0.113.9")


def _entries(addresses: list[str]) -> list[int]:
    return [entry_of(networks_around(one), 1_000) for one in addresses]


def test_a_network_that_did_not_try_is_let_in() -> None:
    """Whatever one other address does."""
    assert may_try(OWNER, [])
    assert may_try(OWNER, _entries(["192.0.2.7"] * 500))


def test_each_network_has_few_tries() -> None:
    """So the delay still protects the password."""
    assert may_try(OWNER, _entries(["203.0.113.9"] * (TRIES - 1)))
    assert not may_try(OWNER, _entries(["203.0.113.9"] * TRIES))


def test_neighbors_share_a_limit() -> None:
    """One provider cannot use up the attempts of everyone else, and has few itself."""
    same_24 = _entries([f"203.0.113.{n}" for n in range(100, 148)])
    assert not may_try(OWNER, same_24)
    assert may_try(networks_around("198.51.100.1"), same_24)


def test_the_total_is_limited() -> None:
    """Security rule 25: a botnet gets a bounded number of attempts per hour."""
    botnet = _entries([f"{n % 200 + 1}.{n // 200}.7.7" for n in range(NEWCOMERS)])
    assert not may_try(OWNER, botnet)


def test_an_entry_keeps_its_time() -> None:
    """Entries of older versions are times alone."""
    assert instant_of(entry_of(OWNER, 1_800_000_000_000)) == 1_800_000_000_000
    assert instant_of(1_800_000_000_000) == 1_800_000_000_000
