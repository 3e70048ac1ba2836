"""A life of keys at the command line, which two ways to reach an instance are compared by."""

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ari.cli.main import main
from tests.support import command_tree

command_tree.keep()

STATUS_ONLY = {
    "budgets show --provider nobody",
    "integrations show nothing",
    "integrations test ollama",
    'keys list --tag "a b"',
    "notifications history",
    "webhooks test {receiver}",
}
"""The API's words differ: it hides why a connection failed, and describes the form of a field in its reference."""

FAILING = [
    "keys import {lines} --dry-run",
    "keys import {lines} --json",
    "keys secret {laptop} 9",
    "integrations test ollama",
    "notifications test",
]
"""Commands of that life that fail: lines that aren't valid, no such secret, a provider and a mail service that don't
exist."""

CONFIGURATION = {"scopes": {"orders:list": "List orders."}}
DOCUMENT = {
    "openapi": "3.1.0",
    "components": {
        "securitySchemes": {
            "oauth": {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "/t", "scopes": {"invoices:read": "Read."}}},
            }
        }
    },
}

PREPARE = """
consumers create Acme --external-id acme --limit 9/1h
consumers create Beta --metadata plan=pro --json
consumers list --text a
consumers change acme --name Acme2
consumers show acme
consumers show Acme2 --json
consumers change acme --credits 50
consumers change acme --allow-model openai/* --json
consumers change acme --allow-model ""
consumers add-credits acme 5
consumers reset-limits acme --yes
consumers change acme --budget 25usd/total
consumers increase-budget acme 5usd
consumers reset-budgets acme --yes
scopes add orders:read "Read orders."
scopes describe orders:read "Read all orders."
scopes describe orders:read "Read them." --json
scopes list
apply {configuration}
apply {configuration} --yes --json
scopes import {document}
scopes import {document} --yes
presets set shop --label Shop --description "For shops." --scope orders:read --scope orders:list
presets list
presets default shop
presets default standard
kinds add acme-live acme_ --max-days 90 --limit 5/1m
kinds change acme-live --description "For Acme." --json
kinds change acme-live --budget 25usd/month --allow-model openai/gpt-5* --json
kinds add acme-ai acme_ai_ --budget monthly=9usd/month --deny-model openai/o1* --time-zone Asia/Tokyo --json
keys create Ai --kind acme-ai --tag parity --json
keys create Free --kind acme-ai --tag parity --budget "" --allow-model "" --json
kinds list
kinds list --json
kinds change acme-live --budget "" --allow-model ""
keys create Laptop --consumer Acme2 --tag parity --scope orders:read --limit 3/1m --metadata plan=pro --expires 90d
keys create Other --tag parity --json
keys create Third --tag parity --kind acme-live --expires 30d --credits 10 --refill 10/day
keys import {lines} --dry-run
keys import {lines} --json
"""
CHANGE = """
keys list --tag parity
keys list --tag parity --json
keys list --tag parity --sort name --status active
keys list --consumer acme
keys show {laptop}
keys show {laptop} --json
keys show {hint}
keys show {third}
keys rename {laptop} Desktop
keys scopes {laptop} --scope orders:read --scope usage:read
keys scopes {laptop} --scope orders:read --json
keys expiry {laptop} --expires never
keys assign {laptop} --tag parity --tag more --metadata plan=free
keys addresses {laptop} --address 192.0.2.0/24
keys addresses {laptop}
keys models {laptop} --allow-model openai/gpt-5* --deny-model openai/gpt-5-pro
keys models {laptop} --json
models aliases set fast openai/gpt-5-mini groq/llama-4
models aliases set fast openai/gpt-5-mini --json
models aliases list
models aliases list --json
models aliases remove fast
prices list
prices set openai/gpt-5* --input 1.10 --output 8.80 --cached-input 0.11
prices set openai_compatible/* --per-request 0.01
prices discount anthropic/* 15
prices list
prices remove openai/gpt-5*
prices remove openai_compatible/*
prices remove anthropic/*
keys disable {laptop}
keys enable {laptop}
keys allow-rotation {laptop}
keys forbid-rotation {laptop}
keys budgets set {laptop} --budget 25usd/month --budget burst=5000tokens/1h?
keys budgets show {laptop} --json
keys budgets increase {laptop} 10usd --json
keys budgets reset {laptop} --budget burst --yes --json
keys budgets remove {laptop} --yes
keys limits show {laptop}
keys limits set {laptop} --limit 7/1m
keys limits reset {laptop} --yes --json
keys limits remove {laptop} --yes
keys credits set {laptop} 20
keys credits add {laptop} 5
keys credits remove {laptop} --yes
keys unused-scopes {laptop}
scopes keys orders:read
scopes remove orders:read --yes
keys rotate {laptop}
keys rotate {other} --json
keys show {laptop}
keys secret {laptop} 1
keys secret {laptop} 1 --json
keys secret {laptop} 9
keys retire-old {laptop} --yes
keys expiry --tag parity --expires 30d --yes
keys disable --tag parity --yes
keys enable {other}
keys revoke {third} --yes --reason done
keys show {third}
keys revoke --tag parity --yes --json
usage --key {laptop}
usage --key {laptop} --json
usage export --key {laptop} --no-bom
usage export --key {laptop} --format json
usage totals --tag parity
usage totals --tag parity --by tag --json
usage summary --key {laptop}
usage summary --tag parity --json
usage ai --key {laptop}
usage ai --tag parity --json
usage ai --key desktop --json
events list --subject {laptop}
events list --subject {laptop} --name key_renamed --json
events export --subject {laptop} --name key_renamed --format jsonl
policy show
policy show --json
policy preview --max-lifetime-days 3650
integrations list
integrations show openai --json
integrations set-url ollama http://127.0.0.1:9 --yes
integrations show ollama
integrations test ollama
integrations remove ollama --yes
upstreams add vllm-a https://vllm.example.com/v1 --title "vLLM A"
upstreams list
integrations set-key-choice vllm-a by-consumer
integrations show vllm-a --json
upstreams remove vllm-a --yes
upstreams list --json
notifications list
notifications off key_expiring
notifications on key_expiring --json
notifications history
notifications test
"""
MISTAKES = """
models aliases set fast nobody
models aliases remove nobody
prices set gpt-5 --input 1
prices set openai/x --input €1
prices set openai/x
prices set openai/x --input 1
prices discount openai/x 101
prices remove nobody/x
keys models {laptop} --allow-model /x
keys create ""
keys create x --expires soon
keys create x --limit 0/1m
keys create x --consumer nobody
keys create x --scope nothing:read
keys create x --kind nokind
keys show key_00000000000000000000000000
keys show ari_k_0000…0000
keys delete {laptop} --json
keys rotate {laptop}
keys rename {laptop} Again
keys list --tag "a b"
keys list --status nothing
usage --code nothing
usage --status 9999
usage --since yesterday
usage --consumer nobody
usage ai --key nobody
usage summary --time-zone Nowhere
events list --door window
scopes add orders "No action."
scopes remove nothing:read --yes
presets remove standard --yes
presets set bad --label "" --description "" --scope orders:list
kinds add Bad bad --json
kinds remove nokind --yes
consumers show nobody
consumers create Acme3 --external-id acme
integrations show nothing
integrations set-url openai ftp://x --yes
integrations add-key openai
integrations replace-key openai pky_none
integrations change-key openai pky_none --label EU
integrations change-key openai pky_none
integrations remove-key openai pky_none --yes
upstreams add openai https://vllm.example.com
upstreams remove nothing --yes
notifications on nothing
"""
REMOVE = """
keys delete {laptop} --yes
keys delete {other} --yes
keys delete {third} --yes
keys delete {ai} --yes
keys delete {free} --yes
kinds remove acme-ai --yes
kinds remove acme-live --yes
presets remove shop --yes
scopes remove orders:list --yes
scopes remove invoices:read --yes
consumers delete acme --yes
consumers delete Beta --yes
"""
NORMAL = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r'(?<="door": )"(?:cli|api)", "client_address": [^,]+, "user_agent": [^,]+, "request_id": [^,]+', "ORIGIN"),
        (r"(?m)^Remote\t.*\n", ""),
        (r"\b(?:ari_k|acme(?:_ai)?)_[0-9A-Za-z]{43,}", "SECRET"),
        (r"\b(?:ari_k|acme(?:_ai)?)_[0-9A-Za-z]{4}(?:…|\\u2026)[0-9A-Za-z]{4}", "HINT"),
        (r"\bwhsec_[0-9A-Za-z+/=]+", "SECRET"),
        (r"\bcli:[^\s\"]+|\b(?:key|con|req|evt|whk|msg)_[0-9A-HJKMNP-TV-Z]{26}", "ID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", "TIME"),
        (r'"more_in_seconds": \d+', '"more_in_seconds": N'),
    )
]


class Place:
    """The command line in this process, on one instance, in one of both ways."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)

    def run(self, words: Sequence[str], stdin: str = "", **settings: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error, without what differs between any two runs."""
        code, out, err = self.call(words, stdin, settings)
        return code, normalize(out), normalize(err)

    def call(self, words: Sequence[str], stdin: str, settings: Mapping[str, str]) -> tuple[int, str, str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.dict(os.environ, {**self.environment, **settings}, clear=True),
            patch.multiple(sys, argv=["ari", *words], stdin=io.StringIO(stdin), stdout=out, stderr=err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        shown = [one.detach().getvalue().decode() for one in (out, err)]
        return int(ended.value.code or 0), shown[0], shown[1]

    def json(self, *words: str) -> Any:
        code, out, err = self.call([*words, "--json"], "", {})
        assert code == 0, err
        return json.loads(out)


def normalize(text: str) -> str:
    for pattern, words in NORMAL:
        text = pattern.sub(words, text)
    return text


def live(place: Place, folder: Path, digit: str) -> list[tuple[str, tuple[int, str, str]]]:
    """What each command says in a life of keys that ends as it began, but that the imported hash stays known."""
    key = {"name": "Imported", "hash": digit * 64, "scheme": "sha256-hex"}
    (folder / "lines.jsonl").write_text("\n".join(map(json.dumps, (key, key | {"name": ""}))))
    names = {
        "configuration": str(folder / "configuration.json"),
        "document": str(folder / "document.json"),
        "lines": str(folder / "lines.jsonl"),
    }
    said = []
    for part in (PREPARE, CHANGE, MISTAKES, REMOVE):
        if part is CHANGE:
            listed = {key["name"]: key for key in place.json("keys", "list", "--tag", "parity")["items"]}
            names |= {name.lower(): key["id"] for name, key in listed.items()}
            names["hint"] = listed["Laptop"]["hint"]
        for line in part.strip().splitlines():
            words = shlex.split(line.format(**names))
            said.append((line, place.run(words)))
    [imported] = place.json("keys", "list", "--text", "Imported")["items"]
    said.append(("keys revoke", place.run(["keys", "revoke", imported["id"], "--yes"])))
    said.append(("keys delete", place.run(["keys", "delete", imported["id"], "--yes"])))
    return said
