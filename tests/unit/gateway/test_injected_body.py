"""A body is held while there is room, sent again without the option where that was refused, and released."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ari.gateway.body_budget import BodyBudget
from ari.gateway.injected_body import InjectedBody
from ari.gateway.request_body import RequestBody
from ari.gateway.usage_injection import PADDING, OptionSupport
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider

BODY = b'{"model":"m","stream":true,"x":"' + b"y" * 100 + b'"}'
NAMED = b'{"error":{"message":"Not permitted.","param":"stream_options"}}'
CREDENTIAL = Credential(get_provider("openai"), "https://a.test/v1", "stored", True)


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @wraps(test)
    def in_loop(**given: Any) -> None:
        asyncio.run(test(**given))

    return in_loop


class Pieces(RequestBody):
    """A large body, as it comes."""

    async def pieces(self, at_end: Callable[[], None]) -> AsyncIterator[bytes]:
        for at in range(0, len(BODY), 10):
            yield BODY[at : at + 10]
        at_end()


def make_body(length: int | None, *, whole: bool = False, content: bytes = BODY) -> RequestBody:
    async def receive() -> Any:
        raise AssertionError

    return RequestBody(receive, length, content) if whole else Pieces(receive, length, None)


async def body_of(room: BodyBudget, taken: RequestBody, answers: OptionSupport | None = None) -> InjectedBody:
    found = InjectedBody(answers or OptionSupport(), room, CREDENTIAL, lambda: 1.0)
    await found.read(taken, lambda: None)
    return found


async def join(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"".join([one async for one in body])


@pytest.mark.parametrize("whole", [True, False])
@run
async def test_it_is_sent_again_without_the_question(whole: bool) -> None:
    """Once, byte for byte as it came; then its room is free again."""
    room = BodyBudget(1_000)
    asked = await body_of(room, make_body(len(BODY), whole=whole))
    headers: list[tuple[str, str]] = []
    assert b"include_usage" in await join(asked.next(headers))
    assert asked.hides
    assert asked.should_retry(400, NAMED)
    assert await join(asked.next(headers)) == BODY
    assert (asked.hides, headers) == (False, [])
    assert not asked.should_retry(400, NAMED)
    asked.note_accepted()
    assert room.take(1_000)


@run
async def test_a_body_that_came_in_chunks_leaves_in_chunks() -> None:
    """With the question in it."""
    asked = await body_of(BodyBudget(1_000), make_body(None))
    body = asked.next([])
    assert not isinstance(body, bytes)
    assert json.loads(await join(body))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("length", [len(BODY), None])
@run
async def test_without_room_it_is_rewritten_as_it_passes(length: int | None) -> None:
    """It cannot be sent again; the next one is not asked."""
    room, answers = BodyBudget(35), OptionSupport()
    asked = await body_of(room, make_body(length), answers)
    headers: list[tuple[str, str]] = []
    found = await join(asked.next(headers))
    assert json.loads(found)["stream_options"] == {"include_usage": True}
    assert headers == ([("content-length", str(len(BODY) + PADDING))] if length else [])
    assert not asked.should_retry(400, NAMED)
    assert asked.cannot_retry
    asked.close()
    assert room.take(35)
    again = await body_of(BodyBudget(1_000), make_body(length), answers)
    assert await join(again.next([])) == BODY
    assert not again.hides


@run
async def test_what_a_server_took_once_is_not_doubted() -> None:
    """An error that names nothing is the caller's own then, and passes."""
    answers = OptionSupport()
    asked = await body_of(BodyBudget(1_000), make_body(None), answers)
    asked.next([])
    asked.note_accepted()
    asked = await body_of(BodyBudget(1_000), make_body(None), answers)
    asked.next([])
    assert not asked.should_retry(400, b"max_tokens is too large")
    assert asked.should_retry(400, NAMED)


@run
async def test_a_server_that_refuses_both_is_asked_again() -> None:
    """The error was not about the question."""
    answers = OptionSupport()
    asked = await body_of(BodyBudget(1_000), make_body(None), answers)
    asked.next([])
    assert asked.should_retry(400, b"max_tokens is too large")
    asked.next([])
    assert not asked.should_retry(400, b"max_tokens is too large")
    asked.close()
    assert not answers.refuses(CREDENTIAL, "m", 1.0)


@pytest.mark.parametrize(
    "content",
    [
        b'{"model":"m","stream":true,"stream_options.include_usage":1}',
        b'{"model":"m","stream":true,"Stream":false}',
        b'{"model":"m","stream":true,"stream' + b"_" * 200 + b'":1,"stream_options.include_usage":1}',
        b'{"model":"m","stream":true,"stream":false,"stream":true}',
        b'{"model":"m","stream":true,"stream_options":{"bad":1},"stream_options":{}}',
        b'{"model":"m","stream":true,"stre\\u0061m_options.include_usage":1}',
    ],
)
@run
async def test_no_caller_makes_others_go_without_the_option(content: bytes) -> None:
    """By members that servers may read in another way, whatever becomes of the second attempt."""
    answers = OptionSupport()
    asked = await body_of(BodyBudget(1_000), make_body(len(content), whole=True, content=content), answers)
    await join(asked.next([]))
    asked.should_retry(400, NAMED)
    asked.next([])
    asked.note_accepted()
    assert not answers.refuses(CREDENTIAL, "m", 1.0)


@run
async def test_only_a_success_without_the_option_is_remembered() -> None:
    """A second refusal is about something of the caller's, such as a member whose name resembles the option."""
    answers = OptionSupport()
    for _ in range(3):
        asked = await body_of(BodyBudget(1_000), make_body(None), answers)
        asked.next([])
        assert asked.should_retry(400, NAMED)
        asked.next([])
        assert not asked.should_retry(400, NAMED)
        asked.close()
    assert not answers.refuses(CREDENTIAL, "m", 1.0)
    asked = await body_of(BodyBudget(1_000), make_body(None), answers)
    asked.next([])
    assert asked.should_retry(400, NAMED)
    asked.next([])
    asked.note_accepted()
    assert answers.refuses(CREDENTIAL, "m", 1.0)


@pytest.mark.parametrize("has_room", [True, False])
@run
async def test_a_model_that_has_accepted_the_option_keeps_it(has_room: bool) -> None:
    """For an hour: a refusal within it is one request's."""
    answers = OptionSupport()
    answers.note(CREDENTIAL, "m", 1.0, refused=False)
    asked = await body_of(BodyBudget(1_000 if has_room else 35), make_body(len(BODY)), answers)
    await join(asked.next([]))
    assert asked.should_retry(400, NAMED) is has_room
    if has_room:
        asked.next([])
        asked.note_accepted()
    assert not answers.refuses(CREDENTIAL, "m", 1.0)
