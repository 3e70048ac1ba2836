"""Encrypted secrets: one for each kind and subject, with all that they are bound to."""

from ari.base.seal import Context, Sealed
from ari.instance import Instance


def test_a_secret_is_replaced_with_its_context(instance: Instance) -> None:
    """Envelope and context belong together: with another context it does not open."""
    old = Sealed(Context("totp", "usr_1", ("a", "b")), b"old")
    new = Sealed(Context("totp", "usr_1", ("ü",)), b"new")
    with instance.database.writing() as unit:
        unit.sealed.put(old)
        assert unit.sealed.get("totp", "usr_1") == old
        unit.sealed.put(new)
    with instance.database.reading() as unit:
        assert unit.sealed.all() == [new]


def test_kinds_and_subjects_are_apart(instance: Instance) -> None:
    """Deleting one secret deletes no other of the same kind or the same subject."""
    kept = [Sealed(Context("mail", "usr_1"), b"1"), Sealed(Context("totp", "usr_2"), b"2")]
    with instance.database.writing() as unit:
        for one in (*kept, Sealed(Context("totp", "usr_1"), b"3")):
            unit.sealed.put(one)
        unit.sealed.drop("totp", "usr_1")
        assert unit.sealed.all() == kept
        assert unit.sealed.get("totp", "usr_1") is None
