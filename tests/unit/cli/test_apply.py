"""``ari apply`` and ``ari scopes import``: a plan first, then one transaction, and the same again changes nothing."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Ari

TOML = """\
default_preset = "shop"

[scopes]
"orders:read" = "List orders."

[presets.shop]
label = "Shop"
description = "What the shop needs."
scopes = ["orders:read"]

[kinds.acme]
prefix = "acme_"
scopes = ["api:read"]
limits = [{limit = 100, window = "1m"}]
credits = {amount = 5, refill = {amount = 9, every = "month"}}

[instance_policy]
max_lifetime_days = 365
"""
AI = """\
[upstreams.vllm-a]
base_url = "https://vllm.example.com/v1"

[[instance_budgets]]
name = "monthly"
amount_usd = "500.00"
period = "month"

[provider_budgets]
openai = [{amount_usd = "200.00", period = "month", time_zone = "Europe/Berlin"}]
vllm-a = [{amount_tokens = 9000, period = "rolling", window = "1h", hard = false}]

[key_models.Laptop]
allow = ["vllm-a/*"]

[consumer_models.acme]
deny = ["openai/gpt-5-pro"]
"""
PLAN = [
    "+ scope orders:read",
    "+ preset shop",
    "~ default preset shop",
    "    name: standard → shop",
    "+ kind acme",
    "+ rule max_lifetime_days",
]


def write(path: Path, text: str) -> str:
    """The path of a new file."""
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_yes_it_only_lists_the_changes(ari: Ari, tmp_path: Path) -> None:
    """Not even an event is written; with --yes they are made, and a second time there are none."""
    file = write(tmp_path / "ari.toml", TOML)
    before = ari.json("events", "--limit", "500")
    planned = ari("apply", file)
    assert planned.out.splitlines() == PLAN
    assert "Apply with --yes." in planned.err
    assert ari.json("events", "--limit", "500") == before
    assert ari("apply", file, "--yes").out.splitlines() == [*PLAN, "Applied 5 changes."]
    assert ari("apply", file).out == "Nothing to change.\n"
    assert ari.json("apply", file, "--prune") == {"dry_run": True, "changes": []}
    assert ari.create()[0]["scopes"] == ["orders:read"]


def test_upstreams_budgets_and_models(ari: Ari, tmp_path: Path) -> None:
    """Planned and made like the other sections; stored keys of an upstream are lost by force only."""
    file = write(tmp_path / "ai.toml", AI)
    assert "consumer_models.acme.name: No such consumer." in ari.refuse("apply", file)
    ari("consumers", "create", "Acme", "--external-id", "acme")
    assert "key_models.Laptop.name: No active key has this name or ID." in ari.refuse("apply", file)
    key = ari.create("Laptop")[0]["id"]
    planned = ari("apply", file).out.splitlines()
    assert planned[:2] == ["+ upstream vllm-a", "+ budget instance:monthly"]
    assert planned[-2:] == ["+ consumer models acme", "+ key models Laptop"]
    assert ari("apply", file, "--yes").out.splitlines()[-1] == "Applied 6 changes."
    assert ari("apply", file, "--prune").out == "Nothing to change.\n"
    assert ari.json("keys", "show", key)["models"] == {"allow": ["vllm-a/*"], "deny": []}
    owners = [line.split("\t")[0] for line in ari("budgets", "list").out.splitlines()[1:]]
    assert owners == ["instance", "openai", "vllm-a"]
    ari("integrations", "set", "vllm-a", stdin="sk-0123456789abcdef0123\n")
    moved = write(tmp_path / "moved.toml", '[upstreams.vllm-a]\nbase_url = "https://vllm.example.net"\n')
    assert "--yes and --force" in ari("apply", moved).err
    assert "vllm-a: This deletes its stored keys." in ari.refuse("apply", moved, "--yes")
    ari("apply", moved, "--yes", "--force")
    assert ari.json("upstreams", "list")["items"][0]["base_url"] == "https://vllm.example.net"


def test_a_change_has_its_old_and_new_values(ari: Ari, tmp_path: Path) -> None:
    """Of each field that differs, in the plan: someone reviews it before it is applied."""
    ari("consumers", "create", "Acme", "--external-id", "acme")
    ari.create("Laptop")
    more = '[model_aliases]\nfast = ["openai/a"]\n[model_discounts]\n"openai/*" = "5"\n'
    price = '[model_prices."vllm-a/*"]\ninput_usd = "1"\noutput_usd = "2"\n'
    ari("apply", write(tmp_path / "a.toml", TOML), "--yes")
    ari("apply", write(tmp_path / "b.toml", AI + more + price), "--yes")
    changed = TOML.replace("List orders.", "Read orders.").replace("= 365", "= 30").replace("limit = 100", "limit = 9")
    plan = ari("apply", write(tmp_path / "c.toml", changed.replace('"What the', '"All the'))).out.splitlines()
    assert plan[:4] == [
        "~ scope orders:read",
        "    description: List orders. → Read orders.",
        "~ preset shop",
        "    description: What the shop needs. → All the shop needs.",
    ]
    assert plan[4] == "~ kind acme"
    assert [line.split(":")[0] for line in plan[5:]] == ["    limits", "~ rule max_lifetime_days", "    value"]
    assert plan[-1] == "    value: 365 → 30"
    changed = (AI + more + price).replace('"500.00"', '"600.00"').replace("vllm-a/*", "x/*", 1).replace("5-pro", "5")
    changed = changed.replace('"openai/a"', '"groq/b"').replace('"5"', '"7"').replace('_usd = "2"', '_usd = "3"')
    plan = ari("apply", write(tmp_path / "d.toml", changed)).out.splitlines()
    assert plan == [
        "~ model alias fast",
        '    models: ["openai/a"] → ["groq/b"]',
        "~ model price vllm-a/*",
        "    output_usd: 2 → 3",
        "~ model discount openai/*",
        "    percent: 5 → 7",
        "~ budget instance:monthly",
        "    amount_usd: 500.00 → 600.00",
        "~ consumer models acme",
        '    deny: ["openai/gpt-5-pro"] → ["openai/gpt-5"]',
        "~ key models Laptop",
        '    allow: ["vllm-a/*"] → ["x/*"]',
    ]
    found = ari.json("apply", str(tmp_path / "d.toml"))["changes"][3]
    assert found["fields"] == [{"field": "amount_usd", "old": "500.00", "new": "600.00"}]


def test_json_says_the_same(ari: Ari, tmp_path: Path) -> None:
    """The same content in either form."""
    content = {"scopes": {"orders:read": "List orders."}}
    ari("apply", write(tmp_path / "a.json", json.dumps(content)), "--yes")
    assert ari("apply", write(tmp_path / "a.toml", TOML)).out.splitlines() == PLAN[1:]


def test_pruning_scopes_in_use_needs_force(ari: Ari, tmp_path: Path) -> None:
    """The plan says how many keys lose one."""
    ari("apply", write(tmp_path / "a.toml", TOML), "--yes")
    ari("presets", "default", "standard")
    key, _ = ari.create("Shop", "--scope", "orders:read")
    empty = write(tmp_path / "empty.toml", "[scopes]\n[presets]\n")
    planned = ari("apply", empty, "--prune")
    assert planned.out.splitlines() == ["- preset shop", "- scope orders:read (also from 1 active key)"]
    assert "--yes and --force" in planned.err
    assert "orders:read: 1 active key" in ari.refuse("apply", empty, "--prune", "--yes")
    assert [one["name"] for one in ari.json("presets", "list")["items"]][-1] == "shop"
    ari("apply", empty, "--prune", "--yes", "--force")
    assert ari.json("keys", "show", key["id"])["scopes"] == []


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toml", "[scopes]\norders\nb = 1", "(at line 2, column"),
        ("a.json", '{\n"scopes": }', "(at line 2, column"),
        ("a.json", '{"scopes": {"a:b": "x", "a:b": "y"}}', "The name 'a:b' occurs twice in one object."),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.yaml", "scopes:", "Use a .toml or .json file."),
        ("a.toml", '[scopes]\n"keys:mine" = "x"', "scopes.keys:mine.name: ARI reserves this resource"),
        ("a.toml", '[scopes]\n"orders:read" = 1', "scopes.orders:read: Must be a string."),
        ("a.toml", "[scope]", "scope: Unknown section."),
        ("a.toml", 'default_preset = "x"', "default_preset: No such preset."),
    ],
)
def test_a_bad_file_is_one_sentence(ari: Ari, tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """With the file and the line or the path of the entry; nothing is applied."""
    file = write(tmp_path / name, text)
    refused = ari.refuse("apply", file, "--yes")
    assert file in refused
    assert sentence in refused


def test_a_file_that_cannot_be_read_is_one_sentence(ari: Ari, tmp_path: Path) -> None:
    """Missing, a folder, or not UTF-8."""
    assert "No such file" in ari.refuse("apply", str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    assert "Is a directory" in ari.refuse("apply", str(tmp_path / "folder.toml"))
    (tmp_path / "latin.toml").write_bytes(b"a = 1\n\xe4")
    assert "Line 2 isn't UTF-8." in ari.refuse("apply", str(tmp_path / "latin.toml"))


def test_scopes_are_imported_from_openapi(ari: Ari, tmp_path: Path) -> None:
    """A plan first; those already declared keep their descriptions, and the skipped ones are named."""
    ari("scopes", "add", "pets:read", "Mine.")
    scopes = {"pets:read": "Theirs.", "pets:write": "Change pets.", "openid": "x"}
    document = {"openapi": "3.1.0", "components": {"securitySchemes": {"o": {"flows": {"i": {"scopes": scopes}}}}}}
    file = write(tmp_path / "openapi.json", json.dumps(document))
    planned = ari("scopes", "import", file)
    assert planned.out == "+ scope pets:write\n"
    assert "Skipped openid:" in planned.err
    ari("scopes", "import", file, "--yes")
    described = {one["name"]: one["description"] for one in ari.json("scopes", "list")["items"] if not one["built_in"]}
    assert described == {"pets:read": "Mine.", "pets:write": "Change pets."}
    assert ari("scopes", "import", file).out == "Nothing to change.\n"
    assert "isn't an OpenAPI document" in ari.refuse("scopes", "import", write(tmp_path / "other.json", "{}"))
