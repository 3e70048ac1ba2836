"""Keys and base URLs as they are pasted: what is wrong is said, and never shown."""

import pytest

from ari.base.addresses import AddressList
from ari.base.errors import Invalid
from ari.integrations.checks import mask, parse_base_url, parse_key
from ari.integrations.providers import get_provider
from ari.keys import token

KEY = "sk-proj-0123456789abcdefABCDEF"


def _key_problem(provider: str, text: str, *, owner_named: bool = False) -> str:
    with pytest.raises(Invalid) as refused:
        parse_key(get_provider(provider), text, owner_named=owner_named)
    [problem] = refused.value.problems
    assert problem.location == "key"
    pasted = text.strip()
    assert not pasted or pasted not in problem.message
    return problem.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Paste the key. OpenAI keys begin with sk-."),
        (f'"{KEY}"', "without quotes"),
        (f"“{KEY}”", "without quotes"),
        (f"Bearer {KEY}", "the word Bearer"),
        (f"bearer {KEY}", "the word Bearer"),
        (f"Authorization: Bearer {KEY}", "without the header"),
        (f"OPENAI_API_KEY={KEY}", "without OPENAI_API_KEY="),
        (f"export OPENAI_API_KEY={KEY}", "without OPENAI_API_KEY="),
        (f"{KEY} {KEY}", "without spaces"),
        (f"{KEY[:10]}\n{KEY[10:]}", "line breaks"),
        (f"{KEY}\x00", "without spaces"),
        (f"{KEY}é", "only ASCII"),
        ("sk-" + "x" * 510, "at most 512"),
        ("ari_k_" + "x" * 49, "an ARI API key"),
        ("sk-ant-api03-" + "x" * 40, "a key for Anthropic, not for OpenAI"),
        ("gsk_" + "x" * 40, "a key for Groq, not for OpenAI"),
        ("re_12345678_" + "x" * 20, "a key for Resend"),
        ("hunter2", "doesn't look like a key for OpenAI. OpenAI keys begin with sk-"),
    ],
)
def test_obvious_paste_errors_are_named(text: str, said: str) -> None:
    """In a sentence that helps and holds nothing of what was pasted."""
    assert said in _key_problem("openai", text)


def test_a_key_is_taken_without_the_space_around_it() -> None:
    """As a copied line has it; 512 characters are the most."""
    openai = get_provider("openai")
    assert parse_key(openai, f"  {KEY}\r\n", owner_named=False) == KEY
    assert parse_key(openai, "sk-" + "x" * 509, owner_named=False) == "sk-" + "x" * 509


def test_a_server_of_the_owner_takes_keys_of_any_look() -> None:
    """A proxy before OpenAI has keys of its own; what no key can be is refused there too."""
    openai = get_provider("openai")
    for key in ("hunter2", "sk-or-" + "x" * 40, "key=="):
        assert parse_key(openai, key, owner_named=True) == key
    assert "without spaces" in _key_problem("openai", "a b", owner_named=True)
    for key in ("ari_k_" + "x" * 49, token.mint("acme_live_")):
        assert "ARI API key" in _key_problem("ollama", key, owner_named=True)


@pytest.mark.parametrize(
    ("key", "shown"),
    [(KEY, "sk-p…CDEF"), ("x" * 16, "xxxx…xxxx"), ("abcdefgh1", "a…1"), ("hunter2", "…"), ("a", "…")],
)
def test_a_mask_leaves_most_hidden(key: str, shown: str) -> None:
    """First 4 and last 4, of short keys less."""
    assert mask(key) == shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        (" http://127.0.0.1:11434/ ", "http://127.0.0.1:11434"),
        ("HTTPS://Models.Example.NET:443/ollama/", "https://models.example.net/ollama"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://[::1]:11434", "http://[::1]:11434"),
        ("http://192.168.1.5", "http://192.168.1.5"),
        ("http://box.lan:80/", "http://box.lan"),
        ("http://ollama:11434", "http://ollama:11434"),
        ("http://ollama_server:11434", "http://ollama_server:11434"),
        ("http://_llm", "http://_llm"),
        ("http://my_app_ollama_1.local", "http://my_app_ollama_1.local"),
        ("http://100.101.102.103:11434", "http://100.101.102.103:11434"),
        ("http://[fd7a:115c:a1e0::1]:11434", "http://[fd7a:115c:a1e0::1]:11434"),
        ("http://Box.tail1234.TS.net:11434", "http://box.tail1234.ts.net:11434"),
        ("http://llm_box.tail1234.ts.net", "http://llm_box.tail1234.ts.net"),
        ("http://box.user.beta.tailscale.net", "http://box.user.beta.tailscale.net"),
        ("http://ollama.default.svc:11434", "http://ollama.default.svc:11434"),
        ("http://ollama.default.svc.cluster.local", "http://ollama.default.svc.cluster.local"),
        ("http://host.docker.internal:11434", "http://host.docker.internal:11434"),
        ("http://[::ffff:10.0.0.1]", "http://[::ffff:10.0.0.1]"),
    ],
)
def test_base_urls_are_written_one_way(text: str, kept: str) -> None:
    """So that the same address is the same text."""
    assert parse_base_url(get_provider("ollama"), text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ollama",
        "//host",
        "ftp://host",
        "http://",
        "http://user@127.0.0.1",
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1/?q=secret",
        "http://127.0.0.1/#secret",
        "http://127.0.0.1?",
        "http://127.0.0.1#",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://[::1",
        "http://127.0.0.1/a/../b",
        "http://127.0.0.1/./a",
        "http://127.0.0.1//a",
        "http://127.0.0.1/%2e%2e",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\\@evil.example",
        "http://127.0.0.1/\x00",
        "http://é.example",
        "http://example.net",
        "http://8.8.8.8",
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://0.0.0.0",
        "https://224.0.0.1",
        "http://100.100.100.200",
        "https://[fd00:ec2::254]",
        "https://168.63.129.16",
        "https://[::ffff:169.254.169.254]",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://[2002:a9fe:a9fe::]",
        "https://[::a9fe:a9fe]",
        "http://2852039166",
        "http://0xa9fea9fe",
        "https://169.254.43518",
        "http://127.1",
        "https://0251.0376.0251.0376",
        "http://[::1%25lo]:1",
        "http://127.0.0.1:0",
        "http://a..lan",
        "http://-a.lan",
        "http://100.63.255.255",
        "http://100.128.0.1",
        "http://ts.net",
        "http://x.ts.net.evil.example",
        "http://tsxts.net",
        "https://my_host.example.net",
        "https://" + "x" * 64 + ".lan",
        "https://" + "x" * 500,
    ],
)
def test_other_base_urls_are_refused(text: str) -> None:
    """No user, query or fragment; nothing but http(s); plain HTTP only nearby; never to a cloud's metadata address."""
    with pytest.raises(Invalid) as refused:
        parse_base_url(get_provider("ollama"), text)
    [problem] = refused.value.problems
    assert problem.location == "base_url"
    assert "secret" not in problem.message


def test_plain_http_to_what_a_setting_lists() -> None:
    """The operator says that it is private, whatever its name."""
    listed = AddressList.of(["models.example.net:8080"])
    ollama = get_provider("ollama")
    assert parse_base_url(ollama, "http://models.example.net:8080", listed) == "http://models.example.net:8080"
    for text in ("http://models.example.net", "http://169.254.169.254"):
        with pytest.raises(Invalid):
            parse_base_url(ollama, text, listed)
