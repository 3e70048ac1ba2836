"""Schemes of other systems, with keys that their own libraries made (``make_vectors.py``)."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from ari.base.errors import Invalid
from ari.keys.imports.schemes import SCHEMES, parse_hash

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
UNSALTED = [one for one in VECTORS if one["scheme"] in ("better-auth", "litellm", "unkey")]
HEX = "a" * 64


@pytest.mark.parametrize("vector", UNSALTED, ids=lambda one: one["library"])
def test_an_unsalted_hash_is_the_digest_of_the_whole_key(vector: dict[str, str]) -> None:
    """So nothing needs to be hashed again."""
    stored = parse_hash(vector["scheme"], vector["hash"], "")
    assert stored.digest == sha256(vector["key"].encode()).digest()
    assert (stored.foreign_id, stored.foreign_hash) == ("", None)


def test_every_scheme_that_others_define_has_a_vector() -> None:
    """The two that are named after a hash have none: their libraries are everywhere."""
    assert {one["scheme"] for one in VECTORS} >= set(SCHEMES) - {"sha256-hex", "sha256-base64url"}


def test_equal_hashes_in_other_spellings_are_equal() -> None:
    """Upper case, padding: a hash imported twice is found."""
    digest = sha256(b"x").digest()
    url = urlsafe_b64encode(digest).decode()
    spellings = [("sha256-hex", digest.hex()), ("sha256-hex", digest.hex().upper())]
    spellings += [("sha256-base64url", url), ("sha256-base64url", url.rstrip("="))]
    assert {parse_hash(scheme, text, "").digest for scheme, text in spellings} == {digest}


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        ("sha256-hex", "a" * 63),
        ("sha256-hex", "a" * 64 + "\n"),
        ("sha256-hex", "sk-4tV9nQ2xWb7LmZr0cYh3Kg"),
        ("litellm", "g" * 64),
        ("unkey", "-" * 43 + "="),
        ("better-auth", "+" * 43),
        ("better-auth", "ä" * 43),
        ("laravel-sanctum", "1|" + "a" * 62),
    ],
)
def test_text_that_is_no_hash_is_refused_without_being_repeated(scheme: str, text: str) -> None:
    """Someone may have exported the keys themselves."""
    with pytest.raises(Invalid) as refused:
        parse_hash(scheme, text, "")
    assert refused.value.problems[0].location == "hash"
    assert text not in str(refused.value)


def test_unknown_schemes_and_odd_ids_are_refused() -> None:
    """The message lists the schemes."""
    with pytest.raises(Invalid, match="better-auth, unkey"):
        parse_hash("md5", HEX, "")
    for foreign_id in ("a b", "ä", "x" * 65, "1\n"):
        with pytest.raises(Invalid, match="ASCII"):
            parse_hash("laravel-sanctum", HEX, foreign_id)


@pytest.mark.parametrize(
    ("text", "foreign_id", "location"),
    [
        ("$2b$10$" + "a" * 53, "", "foreign_id"),
        ("$2b$10$" + "a" * 53, "acme_", "foreign_id"),
        ("$2b$15$" + "a" * 53, "acme_live", "hash"),
        ("$2b$03$" + "a" * 53, "acme_live", "hash"),
        ("$2x$10$" + "a" * 53, "acme_live", "hash"),
        ("acme_live_secret", "acme_live", "hash"),
    ],
)
def test_bcrypt_needs_a_prefix_and_bounded_work(text: str, foreign_id: str, location: str) -> None:
    """A prefix of few characters would make strangers' keys cost a check each."""
    with pytest.raises(Invalid) as refused:
        parse_hash("bcrypt", text, foreign_id)
    assert refused.value.problems[0].location == location
    assert text not in str(refused.value)
