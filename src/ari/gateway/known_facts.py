"""The facts of requests that differ only in their messages, found once.

An application sends the same options again and again, and only its messages differ. No fact but the size depends on
those, so all others are remembered by the rest of the body.
"""

import asyncio
from functools import lru_cache

import msgspec

from ari.gateway.content_size import measure_content
from ari.gateway.json_tree import Ambiguous, is_quick, parse_tree
from ari.gateway.request_facts import FACT_HEADERS, RequestFacts, add_head, read_facts
from ari.gateway.route import PREFIX, Target, target_of
from ari.http.request_head import RequestHead

_METHOD = "POST"
_CONTENT_TYPE = b"content-type"
_MESSAGES = ("messages", "contents")
_MAX_REST_BYTES = 2_048
_MAX_PARTS = 100
"""Lists and objects: what is remembered of one takes much more memory than its text."""
_MAX_TYPE_BYTES = 100
_MAX_PATH_CHARACTERS = 200
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_MESSAGES = msgspec.Raw(b"[]")


def find_facts(target: Target, head: RequestHead, body: bytes | None) -> RequestFacts:
    """The same as ``read_facts``. Takes 15 µs for a request like an earlier one, where reading takes 70."""
    if body is None or not body.startswith(b"{") or not _is_plain(target, head):
        return read_facts(target, head, body)
    try:
        tree, members = parse_tree(body), _object.decode(body)
    except (Ambiguous, ValueError, RecursionError):
        return read_facts(target, head, body)
    if type(tree) is not dict:  # also one with two members of the same name
        return read_facts(target, head, body)
    for name in _MESSAGES:
        if isinstance(tree.get(name), list):
            members[name] = _NO_MESSAGES
    rest = msgspec.json.encode(members)
    if len(rest) > _MAX_REST_BYTES or rest.count(b"[") + rest.count(b"{") > _MAX_PARTS:
        return read_facts(target, head, body)
    facts = _read_rest(target.provider.name, target.path, head.headers.get(_CONTENT_TYPE), rest)
    content = None if facts.content is None else measure_content(body, tree)
    return add_head(facts, head, len(body), content)


async def find_model(target: Target, head: RequestHead, body: bytes | None) -> str:
    """The only model that the request names; empty if there are others, or its body isn't read."""
    if body is None or is_quick(body):
        facts = find_facts(target, head, body)
    else:
        facts = await asyncio.to_thread(find_facts, target, head, body)
    return facts.models[0] if len(facts.models) == 1 else ""


def _is_plain(target: Target, head: RequestHead) -> bool:
    """Whether only the path, the content type and the body decide about the facts."""
    return (
        head.method == _METHOD
        and not head.query
        and FACT_HEADERS.isdisjoint(head.headers)
        and len(target.path) <= _MAX_PATH_CHARACTERS
        and len(head.headers.get(_CONTENT_TYPE, b"")) <= _MAX_TYPE_BYTES
    )


@lru_cache(256)
def _read_rest(provider: str, path: str, content_type: bytes | None, rest: bytes) -> RequestFacts:
    """The facts of a request without its messages."""
    target = target_of(f"{PREFIX}{provider}{path}")
    assert target is not None
    headers = {} if content_type is None else {_CONTENT_TYPE: content_type}
    head = RequestHead("", "", _METHOD, "", b"", b"", headers, None, 0, None, 0)
    return read_facts(target, head, rest)
