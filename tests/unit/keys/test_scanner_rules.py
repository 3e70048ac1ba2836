"""Scanner rules: valid in the scanner's own format, and their regex finds every key and nothing of another shape."""

import re
import tomllib
from importlib import import_module
from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys.scanner_rules import SCANNERS, secret_format, write_rules
from ari.keys.token import PREFIX, mint

OTHER = "acme_live_"
YAML: Any = import_module("yaml")
"""Installed with schemathesis; it has no types."""


def regex_of(scanner: str, *prefixes: str) -> re.Pattern[str]:
    """The regex in the rule, read as the scanner reads it; group 1 is the key."""
    text = write_rules(scanner, prefixes)
    if scanner == "gitleaks":
        return re.compile(tomllib.loads(text)["rules"][0]["regex"])
    if scanner == "trufflehog":
        return re.compile(YAML.safe_load(text)["detectors"][0]["regex"]["key"])
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    after = fields["After secret"].replace(r"\z", r"\Z")
    return re.compile(f"(?:{fields['Before secret']})({fields['Secret format']})(?:{after})")


@pytest.mark.parametrize("scanner", SCANNERS)
def test_a_rule_finds_keys_of_each_prefix(scanner: str) -> None:
    """Alone, quoted, in an assignment, at the end of a line, one after another."""
    regex = regex_of(scanner, OTHER)
    for _ in range(50):
        for token in (mint(), mint(OTHER)):
            for text in (token, f'KEY="{token}"', f"x={token}\n", f"a {token},", f"?k={token}&b"):
                assert [found[1] for found in regex.finditer(text)] == [token]


@pytest.mark.parametrize("scanner", SCANNERS)
def test_a_rule_ignores_near_misses(scanner: str) -> None:
    """Too short, too long, another prefix, another alphabet."""
    regex, token = regex_of(scanner), mint()
    body = token.removeprefix(PREFIX)
    misses = (token[:-1], f"{token}0", f"ari-k-{body}", f"ARI_K_{body}", mint(OTHER), f"ari_k_{body[:20]}-{body[21:]}")
    assert [text for text in misses if regex.search(text)] == []


@pytest.mark.parametrize("scanner", SCANNERS)
def test_a_rule_says_what_it_cannot_check(scanner: str) -> None:
    """A wrong checksum still matches; the text names the command that knows."""
    token = mint()
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert regex_of(scanner).search(wrong)
    text = write_rules(scanner)
    assert "can't check the checksum" in text
    assert "ari scan paths" in text


def test_gitleaks_and_trufflehog_search_for_every_prefix() -> None:
    """They run the regex only where a keyword is, so each prefix is one; the prefix of the default kind comes first."""
    rule = tomllib.loads(write_rules("gitleaks", [OTHER, PREFIX]))
    assert rule["rules"][0]["keywords"] == [PREFIX, OTHER]
    assert rule["rules"][0]["secretGroup"] == 1
    assert rule["extend"]["useDefault"] is True
    assert YAML.safe_load(write_rules("trufflehog", [OTHER]))["detectors"][0]["keywords"] == [PREFIX, OTHER]


def test_the_format_uses_only_what_every_engine_has() -> None:
    """RE2 and Hyperscan have no lookaround and no backreference."""
    assert secret_format([PREFIX]) == "(?:ari_k_)[0-9A-Za-z]{49}"
    assert not any(re.search(r"\(\?[=!<]|\\[1-9]", write_rules(scanner)) for scanner in SCANNERS)


@pytest.mark.parametrize("prefix", ["", "Acme_", "acme", "a|b_", "'''_", "a\n_", "é_", "x" * 20 + "_", "_a_", ".*_"])
def test_no_other_text_gets_into_a_rule(prefix: str) -> None:
    """A prefix that no kind may have is refused, so nothing in it can change the rule."""
    with pytest.raises(Invalid, match="2–20 lowercase"):
        write_rules("gitleaks", [prefix])
