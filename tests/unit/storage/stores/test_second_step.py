"""Two-factor, backup codes and half sign-ins."""

import pytest

from ari.accounts.model import Account, HalfSignIn, TwoFactor
from ari.instance import Instance
from tests.support.instances import START_MS

OWNER = Account("usr_1", "owner@example.com", "a hash", START_MS)


@pytest.fixture
def owned_instance(instance: Instance) -> Instance:
    with instance.database.writing() as unit:
        assert unit.accounts.add_owner(OWNER)
        unit.second_step.set_two_factor(TwoFactor(OWNER.id, START_MS, 7))
    return instance


def test_a_backup_code_works_once_and_only_for_its_account(owned_instance: Instance) -> None:
    """New codes end the old ones."""
    with owned_instance.database.writing() as unit:
        steps = unit.second_step
        steps.replace_backup_codes(OWNER.id, [b"1" * 32, b"2" * 32], START_MS)
        assert not steps.use_backup_code("usr_2", b"1" * 32, START_MS)
        assert steps.use_backup_code(OWNER.id, b"1" * 32, START_MS)
        assert not steps.use_backup_code(OWNER.id, b"1" * 32, START_MS)
        assert steps.count_backup_codes(OWNER.id) == 1
        steps.replace_backup_codes(OWNER.id, [b"3" * 32], START_MS)
        assert not steps.use_backup_code(OWNER.id, b"2" * 32, START_MS)
        assert steps.count_backup_codes(OWNER.id) == 1


def test_a_half_sign_in_is_dead_at_its_end(owned_instance: Instance) -> None:
    """A password alone must not stay half of a sign-in for ever."""
    half = HalfSignIn(b"h" * 32, OWNER.id, START_MS + 1)
    with owned_instance.database.writing() as unit:
        unit.second_step.add_half(half)
        assert unit.second_step.half(half.digest, START_MS) == half
        assert unit.second_step.half(half.digest, START_MS + 1) is None
        unit.second_step.end_half(half.digest)
        assert unit.second_step.half(half.digest, START_MS) is None


def test_two_factor_goes_with_all_that_belongs_to_it(owned_instance: Instance) -> None:
    """Codes and half sign-ins of before would be a second way in once it is turned on again."""
    half = HalfSignIn(b"h" * 32, OWNER.id, START_MS + 9)
    with owned_instance.database.writing() as unit:
        steps = unit.second_step
        steps.replace_backup_codes(OWNER.id, [b"1" * 32], START_MS)
        steps.add_half(half)
        steps.set_two_factor(TwoFactor(OWNER.id, START_MS, 8))
        assert steps.two_factor(OWNER.id) == TwoFactor(OWNER.id, START_MS, 8)
        steps.drop_two_factor(OWNER.id)
        assert steps.two_factor(OWNER.id) is None
        assert steps.half(half.digest, START_MS) is None
        assert steps.count_backup_codes(OWNER.id) == 0
