"""The lines that call an operation are run as they stand, so they must mean in each language what the API is sent."""

import ast

from ari.web.snippets import snippets_of

ADDRESS = "https://keys.example.org/api/keys/key_1"


def test_curl_is_quoted_for_a_shell() -> None:
    """Also where the body holds a quote; an open operation is sent no key."""
    curl, _, _ = snippets_of("patch", ADDRESS, {"name": "Ann's script"}, keyed=True)
    assert curl.code == (
        'curl -X PATCH -H "x-api-key: $ARI_API_KEY" \\\n  -H "content-type: application/json" \\\n'
        f"""  -d '{{"name": "Ann'"'"'s script"}}' \\\n  {ADDRESS}"""
    )
    assert snippets_of("get", ADDRESS, keyed=False)[0].code == f"curl \\\n  {ADDRESS}"


def test_python_writes_values_as_python_does() -> None:
    """True and None, not true and null; it compiles, and imports what it uses."""
    _, python, _ = snippets_of("patch", ADDRESS, {"disabled": True, "reason": None}, keyed=True)
    ast.parse(python.code)
    assert "body = {'disabled': True, 'reason': None}" in python.code
    assert python.code.startswith("import json\nimport os\n")
    assert 'method="PATCH"' in python.code
    plain = snippets_of("get", ADDRESS, keyed=False)[1].code
    ast.parse(plain)
    assert "import" not in plain.removeprefix("from urllib.request import Request, urlopen")


def test_javascript_sends_what_differs_from_a_plain_get() -> None:
    """Method, headers and body; nothing where there is none of them."""
    code = snippets_of("post", ADDRESS, {"disabled": True}, keyed=True)[2].code
    assert '  method: "POST",\n  headers: { "x-api-key": process.env.ARI_API_KEY, "content-type"' in code
    assert 'body: JSON.stringify({\n    "disabled": true\n  }),\n});' in code
    assert snippets_of("get", ADDRESS, keyed=False)[2].code.startswith(f'const answer = await fetch("{ADDRESS}");')
