"""The lines that call an operation in three languages; each reads the key from the environment."""

import json
import pprint
import shlex
from typing import Any, NamedTuple


class Snippet(NamedTuple):
    """The lines of one language; ``id`` is fit for an address and an element."""

    id: str
    language: str
    code: str


def snippets_of(method: str, address: str, body: Any = None, *, keyed: bool) -> tuple[Snippet, ...]:
    """curl, Python and JavaScript; ``body`` is sent as JSON, ``None`` means nothing is sent."""
    return (
        Snippet("curl", "curl", _curl(method, address, body, keyed=keyed)),
        Snippet("python", "Python", _python(method, address, body, keyed=keyed)),
        Snippet("javascript", "JavaScript", _javascript(method, address, body, keyed=keyed)),
    )


def _curl(method: str, address: str, body: Any, *, keyed: bool) -> str:
    parts = ["curl" if method == "get" else f"curl -X {method.upper()}"]
    if keyed:
        parts.append('-H "x-api-key: $ARI_API_KEY"')
    if body is not None:
        parts += ['-H "content-type: application/json"', f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:], address])


def _python(method: str, address: str, body: Any, *, keyed: bool) -> str:
    imports = [name for name, wanted in (("json", body is not None), ("os", keyed)) if wanted]
    headers = ['"x-api-key": os.environ["ARI_API_KEY"]'] if keyed else []
    options = [f'"{address}"']
    if method != "get":
        options.append(f'method="{method.upper()}"')
    if body is not None:
        headers.append('"content-type": "application/json"')
        options.append("data=json.dumps(body).encode()")
    if headers:
        options.append(f"headers={{{', '.join(headers)}}}")
    lines = [f"import {name}" for name in imports]
    lines += ["from urllib.request import Request, urlopen", ""]
    if body is not None:
        lines.append(f"body = {pprint.pformat(body, width=88, sort_dicts=False)}")
    lines += ["request = Request(", *(f"    {one}," for one in options), ")"]
    return "\n".join([*lines, "print(urlopen(request).read().decode())"])


def _javascript(method: str, address: str, body: Any, *, keyed: bool) -> str:
    headers = ['"x-api-key": process.env.ARI_API_KEY'] if keyed else []
    options = [] if method == "get" else [f'method: "{method.upper()}"']
    if body is not None:
        headers.append('"content-type": "application/json"')
    if headers:
        options.append(f"headers: {{ {', '.join(headers)} }}")
    if body is not None:
        written = json.dumps(body, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        options.append(f"body: JSON.stringify({written})")
    given = f", {{\n{''.join(f'  {one},' + chr(10) for one in options)}}}" if options else ""
    return f'const answer = await fetch("{address}"{given});\nconsole.log(answer.status, await answer.text());'
