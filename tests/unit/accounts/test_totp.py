"""Codes of authenticator apps, and backup codes."""

import pytest

from ari.accounts import backup_codes, totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1; six digits are the last six of eight."""
    step = totp.step_at(seconds * 1000)
    assert totp.code_at(SECRET, step, digits=8) == code
    assert totp.find_step(SECRET, code[2:], seconds * 1000) == step


def test_one_step_off_is_near_enough() -> None:
    """The step before and the one after count, two do not."""
    now_ms = 1_800_000_000_000
    step = totp.step_at(now_ms)
    for off, found in ((-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)):
        assert totp.find_step(SECRET, totp.code_at(SECRET, step + off), now_ms) == found


def test_a_used_step_is_over() -> None:
    """A code and those before it never count again."""
    now_ms = 1_800_000_000_000
    step = totp.step_at(now_ms)
    assert totp.find_step(SECRET, totp.code_at(SECRET, step), now_ms, used_until=step) is None
    assert totp.find_step(SECRET, totp.code_at(SECRET, step - 1), now_ms, used_until=step) is None
    assert totp.find_step(SECRET, totp.code_at(SECRET, step + 1), now_ms, used_until=step) == step + 1


def test_secrets_are_160_bits() -> None:
    """32 letters of base32; anything else is none."""
    text = totp.new_secret()
    assert len(text) == 32
    assert len(totp.secret_bytes(text) or b"") == 20
    assert totp.new_secret() != text
    for other in ("", text[:-1], text + "A", text.lower(), "1" * 32, "ü" * 32):
        assert totp.secret_bytes(other) is None


def test_the_address_for_apps() -> None:
    """Issuer and account are distinguished, whatever they hold."""
    made = totp.address("ABC", "a b:c@example.org", "ari.example.net:3000")
    assert made == (
        "otpauth://totp/ARI%20ari.example.net%3A3000:a%20b%3Ac%40example.org"
        "?secret=ABC&issuer=ARI%20ari.example.net%3A3000"
    )


def test_backup_codes_are_read_as_people_type_them() -> None:
    """Ten different ones; case, spaces, dashes and letters taken for digits do not matter, the account does."""
    codes = backup_codes.new_codes()
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {19}
    digest = backup_codes.digest_of("usr_1", "01ab-cdef-gh1j-kmnp")
    assert digest
    for text in (" O1AB CDEF GHIJ KMNP ", "olabcdefghljkmnp"):
        assert backup_codes.digest_of("usr_1", text) == digest
    assert backup_codes.digest_of("usr_2", "01ab-cdef-gh1j-kmnp") != digest
    for text in ("", "123456", codes[0] + "1", "ü" * 16):
        assert backup_codes.digest_of("usr_1", text) is None
