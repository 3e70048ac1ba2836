"""``ari integrations``: keys come from standard input or a hidden prompt, and are shown masked."""

import json

import pytest

from ari.base.master_key import MasterKeys
from tests.support.provider import provider
from tests.unit.cli.conftest import Ari

KEY = "sk-proj-0123456789abcdefABCDEF"


def _show(ari: Ari, name: str = "openai") -> dict[str, object]:
    found: dict[str, object] = ari.json("integrations", "show", name)
    return found


def test_set_show_remove(ari: Ari) -> None:
    """The life of a key: nothing, encrypted, replaced, removed; who did it is in the audit log."""
    assert _show(ari)["state"] == "not_configured"
    said = ari("integrations", "set", "openai", stdin=f"{KEY}\n").out
    assert said == "Stored OpenAI key sk-p…CDEF. Test it: ari integrations test openai\n"
    shown = _show(ari)
    assert (shown["state"], shown["source"], shown["mask"]) == ("configured", "stored", "sk-p…CDEF")
    assert str(shown["added_by"]).startswith("cli:")
    replaced = json.loads(ari("integrations", "set", "openai", "--json", stdin=f"{KEY}GH\n").out)
    assert replaced["mask"] == "sk-p…EFGH"
    assert ari("integrations", "remove", "openai", "--yes").out == "Removed the OpenAI key and base URL.\n"
    assert _show(ari)["mask"] is None
    assert ari.refuse("integrations", "remove", "openai") == "OpenAI isn't set up in ARI."
    names = [event["name"] for event in ari.json("events")["items"]]
    assert names == ["provider_key_removed", "provider_key_replaced", "provider_key_added"]


def test_every_provider_is_listed(ari: Ari) -> None:
    """As JSON the facts of the API; piped, a line each."""
    ari("integrations", "set", "groq", stdin="gsk_0123456789abcdefABCDEF\n")
    listed = ari.json("integrations", "list")
    assert [one["state"] for one in listed["items"] if one["provider"] == "groq"] == ["configured"]
    assert len(listed["items"]) == 13
    lines = ari("integrations", "list").out.splitlines()
    assert lines[0].split("\t") == ["PROVIDER", "STATE", "KEY", "SOURCE", "USED", "BASE URL"]
    [groq] = [line.split("\t") for line in lines if line.startswith("groq\t")]
    assert groq[1:4] == ["configured", "gsk_…CDEF", "stored"]


def test_a_prompt_hides_the_key(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal, a prompt reads it without showing it."""
    asked: list[str] = []

    def type_key(prompt: str) -> str:
        asked.append(prompt)
        return KEY

    monkeypatch.setattr("getpass.getpass", type_key)
    ari("integrations", "set", "openai", at_terminal=True)
    assert asked == ["OpenAI key: "]
    assert _show(ari)["mask"] == "sk-p…CDEF"


def test_a_key_is_no_argument(ari: Ari) -> None:
    """The shell's history would keep it: a second word is wrong usage, and is not repeated."""
    ran = ari("integrations", "set", "openai", KEY, check=False)
    assert ran.code == 2
    assert _show(ari)["state"] == "not_configured"


def test_mistakes_are_one_sentence_without_the_key(ari: Ari) -> None:
    """Paste errors, unknown providers, no address, nothing to test."""
    ran = ari("integrations", "set", "openai", stdin=f"Bearer {KEY}\n", check=False)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "ari: Paste only the key, without the header name or the word Bearer.\n"
    assert "Choose one of: anthropic, deepseek" in ari.refuse("integrations", "show", "nobody")
    ran = ari("integrations", "set", "openai_compatible", stdin="hunter2\n", check=False)
    assert ran.err == "ari: Enter the base URL first, such as http://127.0.0.1:8000/v1.\n"
    assert ari.refuse("integrations", "test", "openai") == "OpenAI isn't set up. See Settings > Integrations."


def test_a_base_url_and_a_test(ari: Ari) -> None:
    """The outcome in words; the exit code is 0 for a valid key only."""
    with provider() as there:
        assert (
            ari("integrations", "set-url", "openai", f"{there.url}/v1").out == f"OpenAI base URL set to {there.url}.\n"
        )
        ari("integrations", "set", "openai", stdin=f"{KEY}\n")
        assert ari("integrations", "test", "openai").out == "OK: OpenAI accepted the key.\n"
        assert there.asked[-1][2]["authorization"] == f"Bearer {KEY}"
        there.refuse()
        ran = ari("integrations", "test", "openai", check=False)
        assert (ran.code, ran.out.split(":")[0]) == (1, "rejected")
        assert KEY not in ran.out
    shown = _show(ari)
    assert (shown["state"], shown["last_test"]) == ("failing", {"outcome": "rejected", "words": ran.out[10:-1]})
    ran = ari("integrations", "test", "openai", "--json", check=False)
    assert (ran.code, json.loads(ran.out)["outcome"]) == (1, "unreachable")
    moved = ari("integrations", "set-url", "openai", "--yes")
    assert moved.out == "OpenAI base URL set to https://api.openai.com.\n"
    assert (
        moved.err == "The stored key was deleted because the URL changed. Set it again: ari integrations set openai\n"
    )
    assert _show(ari)["state"] == "not_configured"


def test_a_question_before_removing(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """No is respected; --yes asks nothing."""
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    monkeypatch.setattr("ari.cli.output.can_ask", lambda: True)
    ran = ari("integrations", "remove", "openai", stdin="n\n", check=False)
    assert (ran.code, _show(ari)["state"]) == (1, "configured")
    ari("integrations", "remove", "openai", "--yes")
    assert _show(ari)["state"] == "not_configured"


def test_the_environment_wins_and_it_is_said(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stored key waits behind one of the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}GH")
    ran = ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    assert ran.err == "OPENAI_API_KEY is set and takes precedence.\n"
    assert (_show(ari)["source"], _show(ari)["mask"]) == ("environment", "sk-p…EFGH")


def test_doctor_sees_them(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configured, failing, in the clear, without their key, or with a bad variable."""

    def find_result(code: int = 0) -> tuple[str, str]:
        report = json.loads(ari("doctor", "--json", check=bool(code == 0)).out)
        [one] = [one for one in report["checks"] if one["check"] == "integrations"]
        return one["state"], one["message"]

    assert find_result() == ("ok", "none configured")
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    assert find_result() == ("ok", "openai")
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefABCDEF")
    assert find_result() == ("ok", "groq (GROQ_API_KEY), openai")
    ari("integrations", "set-url", "openai_compatible", "http://192.168.1.9:8000/v1")
    ari("integrations", "set", "openai_compatible", stdin="hunter2\n")
    state, said = find_result()
    assert state == "note"
    assert "openai_compatible (its key is sent unencrypted: http://192.168.1.9:8000/v1)" in said
    monkeypatch.setenv("GROQ_API_KEY", "'hunter2'")
    state, said = find_result(1)
    assert (state, said.startswith("GROQ_API_KEY: ")) == ("wrong", True)
    monkeypatch.delenv("GROQ_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example.net")
    assert find_result(1)[0] == "wrong"
    assert "was saved for another address" in find_result(1)[1]


def test_doctor_names_a_secret_that_does_not_open(ari: Ari) -> None:
    """Whose it is, and where the key is missing."""
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    MasterKeys(ari.data_dir).own_file.unlink()
    ran = ari("doctor", "--json", check=False)
    [seals] = [one for one in json.loads(ran.out)["checks"] if one["check"] == "encrypted secrets"]
    assert (ran.code, seals["state"]) == (1, "wrong")
    assert "provider key of openai" in seals["message"]


def test_nothing_of_a_key_is_kept_in_clear(ari: Ari) -> None:
    """Not in a file of the data directory, an event, a list or an error; a pasted mistake neither."""
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    refused = ari("integrations", "set", "openai", stdin=f"Bearer {KEY}\n", check=False)
    outputs = [refused.out + refused.err]
    outputs += [ari(*words).out for words in (("integrations", "list"), ("integrations", "show", "openai"))]
    outputs += [ari("events", "--json").out, ari("doctor", "--json").out]
    for text in outputs:
        assert KEY[6:] not in text
    files = [file for file in ari.data_dir.rglob("*") if file.is_file()]
    assert "ari.db" in {file.name for file in files}
    for file in files:
        assert KEY[6:].encode() not in file.read_bytes(), file.name


def test_one_rejected_key_of_several_is_seen(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the list and by doctor, although the provider works. The same key twice is refused in one sentence."""
    monkeypatch.setenv("ARI_AI_PRIVATE_ADDRESSES", "127.0.0.1")
    with provider() as there:
        ari("integrations", "set-url", "openai", f"{there.url}/v1")
        ari("integrations", "set", "openai", stdin=f"{KEY}\n")
        added = json.loads(ari("integrations", "add-key", "openai", "--json", "--label", "US", stdin=f"{KEY}GH\n").out)
        there.refuse()
        ari("integrations", "test", "openai", "--key", added["id"], check=False)
    line = next(one for one in ari("integrations", "list").out.splitlines() if one.startswith("openai\t"))
    assert line.split("\t")[1] == "configured, 1 of 2 keys rejected"
    shown = ari("integrations", "show", "openai").out.splitlines()
    assert f"key 2\t{added['id']} sk-p…EFGH US (rejected)" in shown, "one line for each key"
    assert max(map(len, shown)) < 80
    checks = json.loads(ari("doctor", "--json", check=False).out)["checks"]
    [found] = [one for one in checks if one["check"] == "integrations"]
    assert (found["state"], found["message"].split(")")[0]) == ("note", "openai (1 of 2 keys rejected")
    ran = ari("integrations", "add-key", "openai", stdin=f"{KEY}\n", check=False)
    assert (ran.code, ran.err) == (1, "ari: This OpenAI key is stored already.\n")
