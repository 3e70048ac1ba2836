"""Hashes of djangorestframework-api-key, with keys that its versions made, and bounds of the work they may cause."""

import json
from pathlib import Path

import pytest

from ari.keys.imports import password_hashes

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
DJANGO = [one for one in VECTORS if one["scheme"] == "djangorestframework-api-key"]


@pytest.mark.parametrize("vector", DJANGO, ids=lambda one: one["hash"].partition("$")[0])
def test_the_key_is_right_and_no_other(vector: dict[str, str]) -> None:
    """The whole key is hashed, its prefix too."""
    assert password_hashes.is_supported(vector["hash"])
    assert password_hashes.check(vector["key"].encode(), vector["hash"])
    assert not password_hashes.check(vector["key"].encode() + b"x", vector["hash"])


def test_every_algorithm_has_a_vector() -> None:
    """Made by the real library."""
    assert {one["hash"].partition("$")[0] for one in DJANGO} == set(password_hashes.ALGORITHMS)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "sha512",
        "sha512$$abc",
        "sha512$salt$" + "a" * 128,
        "md5$salt$" + "a" * 32,
        "bcrypt_sha256$$2b$15$" + "a" * 53,
        "bcrypt$$2b$99$" + "a" * 53,
        "bcrypt$$2b$12$" + "a" * 52,
        "$2b$12$" + "a" * 53,
        "pbkdf2_sha256$9000000$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$salt$" + "A" * 41,
        "pbkdf2_sha256$١٠٠٠$salt$" + "A" * 43 + "=",
        "scrypt$16385$salt$8$5$" + "A" * 86 + "==",
        "scrypt$16777216$salt$8$1$" + "A" * 86 + "==",
        "scrypt$16384$salt$0$5$" + "A" * 86 + "==",
        "scrypt$16384$salt$8$99$" + "A" * 86 + "==",
        "scrypt$16384$salt$8$5$" + "A" * 81,
        "argon2$argon2id$v=19$m=9999999,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2g",
        "argon2$argon2id$v=19$m=1024,t=999,p=8$c2FsdHNhbHQ$aGFzaGhhc2g",
        "argon2$argon2d$v=19$m=1024,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2g",
    ],
)
def test_other_hashes_are_refused_before_they_cost_anything(encoded: str) -> None:
    """The importer of a hash chooses the work of its check."""
    assert not password_hashes.is_supported(encoded)
    assert not password_hashes.check(b"key", encoded)
