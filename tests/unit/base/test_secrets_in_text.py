import random
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.secrets_in_text import CUT, cut_secrets, looks_like_key
from ari.keys import token

AROUND = st.text(st.characters(exclude_categories=()), max_size=40)
PROVIDER_KEYS = [
    "sk-proj-Ab12Cd34Ef56Gh78Ij90",
    "sk-0123456789abcdef0123456789abcdef",
    "sk-ant-api03-Ab12Cd34Ef56-Gh78_Ij90",
    "sk-or-v1-" + "0f" * 32,
    "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "gsk_Ab12Cd34Ef56Gh78Ij90Kl12Mn34",
    "xai-Ab12Cd34Ef56Gh78Ij90Kl12Mn34",
    "re_Ab12Cd34_Ef56Gh78Ij90Kl12Mn34Op56",
    "ghp_Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "glpat-Ab12Cd34Ef56Gh78Ij90",
    "sk_live_Ab12Cd34Ef56Gh78",
    "sk_0123456789abcdef0123456789abcdef0123456789abcdef",
    "xoxb-123456789012-Ab12Cd34Ef56",
    "AKIAIOSFODNN7EXAMPLE",
    "hf_Ab12Cd34Ef56Gh78Ij90",
    "pplx-Ab12Cd34Ef56Gh78Ij90",
    "tgp_v1_Ab12Cd34-Ef56_Gh78Ij90Kl12",
    "whsec_Ab12Cd34Ef56Gh78Ij90",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
]
ORDINARY = [
    "ari_k_",
    "ari_k_…",
    "the prefix is ari_k_ and no more",
    "ari_k_Ab12…yz89",
    "Backup of ari_k_Ab12…yz89 (laptop)",
    "task-scheduling-department",
    "sk-slovakia-language-pack",
    "re_engineering_department_keys",
    "/api/keys/key_01JD7WZ2M3N4P5Q6R7S8T9VWXY/usage",
    "req_01JD7WZ2M3N4P5Q6R7S8T9VWXY",
    "/static/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/app.js",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "100% of 50%25",
    "",
]


def _leaks(secret: str, text: str) -> str | None:
    """A part of the secret longer than what may stay; the prefix of our keys is public."""
    body = secret.removeprefix(token.PREFIX)
    parts = (body[start : start + 11] for start in range(len(body) - 10))
    return next((part for part in parts if part in text), None)


@given(AROUND, AROUND)
def test_a_whole_key_is_cut_wherever_it_is(before: str, after: str) -> None:
    """Only its first 10 characters stay, and a mark."""
    secret = token.mint()
    cut = cut_secrets(before + secret + after)
    assert _leaks(secret, cut) is None
    assert secret[:10] + CUT in cut or "%" in before + after
    assert looks_like_key(before + secret + after)


@given(st.integers(5, 49), AROUND.filter(lambda text: not text[:1].isalnum()))
def test_the_beginning_of_a_key_is_cut(length: int, after: str) -> None:
    """Copied in part, or cut by a limit."""
    secret = token.mint()[: len(token.PREFIX) + length]
    assert _leaks(secret, cut_secrets(secret + after)) is None
    assert looks_like_key(secret + after)


@given(
    st.integers(0, 54), st.sampled_from(["drop", "replace", "insert", "repeat"]), st.characters(exclude_categories=())
)
def test_a_damaged_key_is_cut(place: int, damage: str, letter: str) -> None:
    """One character lost, wrong or too many does not save a key into the log."""
    secret = token.mint()
    middle = {"drop": "", "replace": letter, "insert": letter + secret[place], "repeat": secret[place] * 2}[damage]
    cut = cut_secrets(secret[:place] + middle + secret[place + 1 :])
    assert _leaks(secret, cut) is None


def test_a_key_in_other_letters_is_cut() -> None:
    """Capitals of a shouting form included."""
    secret = token.mint()
    assert cut_secrets(secret.upper()) == secret.upper()[:10] + CUT
    assert cut_secrets("ARI_K_" + secret[6:]) == "ARI_K_" + secret[6:10] + CUT


def test_a_key_without_its_prefix_is_cut() -> None:
    """49 letters and digits as only chance mixes them."""
    body = "Ab1" + token.mint()[len(token.PREFIX) + 3 :]
    assert cut_secrets(f"key={body}&x") == f"key={body[:10]}{CUT}&x"


@pytest.mark.parametrize("encode", [quote, lambda text: "".join(f"%{ord(letter):02x}" for letter in text)])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_percent_encoding_hides_no_key(encode: Callable[[str], str], times: int) -> None:
    """In whole or in part, once or again and again."""
    secret = token.mint()
    for hidden in (
        secret,
        secret.replace("_", "%5F"),
        "%61" + secret[1:],
        secret[:30] + f"%{ord(secret[30]):02X}" + secret[31:],
    ):
        text = hidden
        for _ in range(times):
            text = encode(text)
        assert _leaks(secret, cut_secrets(f"/x/{text}/y")) is None
        assert looks_like_key(f"/x/{text}/y")


@pytest.mark.parametrize("secret", PROVIDER_KEYS)
def test_keys_of_providers_are_cut(secret: str) -> None:
    """Alone, in a path, as a value, percent-encoded."""
    for text in (
        secret,
        f"/v1/{secret}/x",
        f"Authorization: Bearer {secret}",
        f'{{"key":"{secret}"}}',
        f"a={secret}&b=1",
    ):
        assert _leaks(secret, cut_secrets(text)) is None, text
        assert cut_secrets(text).count(CUT) == 1, text
    assert looks_like_key("/%2F" + quote(secret).replace("-", "%2D"))


@given(st.text("0123456789abcdef-.:", max_size=120))
def test_identifiers_and_addresses_look_like_no_key(text: str) -> None:
    """They are not searched; next to another character they are."""
    assert cut_secrets(text) == text
    assert cut_secrets(f"~{text}~") == f"~{text}~"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Hints, ids, words, hashes, user agents."""
    assert cut_secrets(text) == text
    assert not looks_like_key(text)


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_cutting_twice_changes_nothing_more(text: str) -> None:
    """A masked key no longer looks like a key."""
    assert cut_secrets(cut_secrets(text)) == cut_secrets(text)


def test_hostile_text_costs_no_more_than_its_length() -> None:
    """Ten times the text, about ten times the work: no pattern runs away."""
    parts = [
        "ari_k_",
        "ari_k_abcde.aaaaaaaa.",
        "sk-",
        "sk-a",
        "re_",
        "eyJ",
        "SG.",
        "%25",
        "aA",
        "gh",
        "sk_live_",
        "xox",
        ".",
    ]
    chance = random.Random(17)
    mixed = "".join(chance.choice(parts) for _ in range(10_000))
    for text in (*(part * 20_000 for part in parts), mixed):
        started = time.process_time()
        cut_secrets(text[:32_768])
        assert time.process_time() - started < 2, text[:20]


@given(AROUND, AROUND)
def test_a_key_of_another_kind_is_cut_after_four_characters(before: str, after: str) -> None:
    """Found by its checksum; its prefix stays, to recognize the kind."""
    secret = token.mint("acme_live_")
    cut = cut_secrets(before + secret + after)
    assert secret[10:15] not in cut
    assert secret[:14] + CUT in cut or "%" in before + after
    assert looks_like_key(before + secret + after)
