"""When a request is repeated, and what each response becomes: a result or an exception, never a wrong yes."""

from typing import Any, NoReturn

import msgspec
import pytest

from ari.client.api_call import ApiCall
from ari.client.exceptions import (
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
    UnexpectedResponse,
)
from ari.client.exchange import MAX_WAIT_SECONDS, ApiReply, Exchange, NoReply, Pause, exchange
from ari.client.generated import models

PROBLEM = "application/problem+json"
GET = ApiCall("GET", "/api/me", dict)
POST = ApiCall("POST", "/api/verify", dict)
CREATE = ApiCall("POST", "/api/keys", dict, idempotency_key="one")
DELETE = ApiCall("DELETE", "/api/keys/key_1", type(None))
EXPORT = ApiCall("GET", "/api/usage/export", ApiReply)
OK = ApiReply(200, "application/json", "", "", "", b"{}")
LOST = NoReply(ConnectionFailed("Lost."), True)
NOT_SENT = NoReply(ConnectionFailed("Refused."), False)


def refuse(status: int, code: str = "some_code", retry_after: str = "", **members: Any) -> ApiReply:
    """An error response as ARI sends it."""
    return ApiReply(status, PROBLEM, retry_after, "req_1", "", msgspec.json.encode({"code": code, **members}))


def play(call: ApiCall[Any], *replies: ApiReply | NoReply, retries: int = 2) -> tuple[Any, list[float]]:
    """The result, and the pauses. Every reply is used."""
    left, pauses = list(replies), list[float]()
    try:
        _send_all(exchange(call, retries, jitter=lambda: 1.0), left, pauses)
    except StopIteration as end:
        assert not left
        return end.value, pauses


def _send_all(steps: Exchange[Any], left: list[ApiReply | NoReply], pauses: list[float]) -> NoReturn:
    step = next(steps)
    while True:
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            step = steps.send(None)
        else:
            step = steps.send(left.pop(0))


def fail(call: ApiCall[Any], *replies: ApiReply | NoReply, retries: int = 2) -> ApiError:
    """The exception; as many requests are sent as there are replies."""
    left = list(replies)
    with pytest.raises(ApiError) as raised:
        _send_all(exchange(call, retries, jitter=lambda: 1.0), left, [])
    assert not left
    return raised.value


@pytest.mark.parametrize("fault", [LOST, NOT_SENT, refuse(503), refuse(502), refuse(429, retry_after="1")])
@pytest.mark.parametrize("call", [GET, CREATE], ids=["get", "create"])
def test_safe_requests_are_repeated(call: ApiCall[Any], fault: Any) -> None:
    """After a lost connection, a 503 or 502, or a 429 with Retry-After."""
    result, pauses = play(call, fault, fault, OK)
    assert result == {}
    assert len(pauses) == 2
    assert pauses[1] > pauses[0] > 0


@pytest.mark.parametrize("fault", [LOST, refuse(503), refuse(429, retry_after="1")])
@pytest.mark.parametrize("call", [POST, ApiCall("PATCH", "/", dict)], ids=["post", "patch"])
def test_other_requests_are_sent_once(call: ApiCall[Any], fault: Any) -> None:
    """A verification consumes limits: it is never sent twice."""
    fail(call, fault)


def test_a_request_that_was_never_sent_is_repeated() -> None:
    """Nothing can have happened."""
    assert play(POST, NOT_SENT, OK)[0] == {}


@pytest.mark.parametrize("reply", [refuse(400), refuse(401), refuse(403), refuse(404), refuse(409), refuse(422)])
def test_refusals_are_final(reply: ApiReply) -> None:
    """Repeating them wouldn't help."""
    fail(GET, reply)


def test_retries_are_bounded_and_can_be_off() -> None:
    """The last failure is raised."""
    assert fail(GET, LOST, LOST, LOST).status == 0
    assert fail(GET, LOST, retries=0).status == 0
    assert fail(GET, refuse(503), refuse(503, code="unavailable"), retries=1).code == "unavailable"


@pytest.mark.parametrize("retry_after", ["", str(MAX_WAIT_SECONDS + 1), "soon", "-1", "1e3", "9" * 20])
def test_a_limit_is_not_waited_for_forever(retry_after: str) -> None:
    """Without a short Retry-After the caller decides."""
    error = fail(GET, refuse(429, retry_after=retry_after, limit="default"))
    assert isinstance(error, RateLimited)
    assert error.limit == "default"


def test_retry_after_is_waited_for() -> None:
    """And a little longer, so that clients don't come at once."""
    _, pauses = play(GET, refuse(503, retry_after="7"), OK)
    assert 7 < pauses[0] < 9


def test_a_delete_whose_response_was_lost_is_done() -> None:
    """The second attempt finds nothing, because the first one did it; without one before, it is a 404."""
    assert play(DELETE, LOST, refuse(404))[0] is None
    assert isinstance(fail(DELETE, NOT_SENT, refuse(404)), NotFound)
    assert isinstance(fail(DELETE, refuse(404)), NotFound)
    assert play(DELETE, refuse(504), refuse(404))[0] is None
    assert isinstance(fail(DELETE, refuse(503), refuse(404)), NotFound)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, InvalidRequest), (401, NotAuthenticated), (403, PermissionDenied), (418, ApiError), (500, ApiError)),
        *((413, InvalidRequest), (415, InvalidRequest), (504, Unavailable)),
    ],
)
def test_statuses(status: int, kind: type[ApiError]) -> None:
    """Each has its exception."""
    error = fail(GET, refuse(status), retries=0)
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, "some_code", "req_1")


def test_fields_of_a_problem() -> None:
    """Known ones become attributes; those of a newer ARI are ignored."""
    problem = {"location": "name", "message": "Too long.", "since": "2.0"}
    error = fail(GET, refuse(422, title="Invalid", detail="Some are.", errors=[problem], request_id="r", more={"a": 1}))
    assert [(one.location, one.message) for one in error.problems] == [("name", "Too long.")]
    assert str(error) == "Some are. name: Too long. (some_code, 422, r)"


def test_text_of_the_server_is_cleaned() -> None:
    """It ends up in terminals and logs: no control characters, bounded length."""
    error = fail(GET, refuse(404, detail="a\x1b[31m\nb\u202e" + "c" * 5000))
    assert error.detail.startswith("a[31mb")
    assert len(error.detail) <= 1000


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'"x"', b"{}", b'{"code": 1}', b'{"code": "x", "errors": 5}', b"\xff", b"[" * 100_000, b'{"code"'],
)
def test_error_pages_that_are_not_of_ari(body: bytes) -> None:
    """A proxy's 404 doesn't mean that a key doesn't exist; a proxy's 503 means what it says."""
    with pytest.raises(UnexpectedResponse):
        play(GET, ApiReply(404, PROBLEM, "", "", "", body))
    assert type(fail(GET, ApiReply(503, "text/html", "", "", "", body), retries=0)) is Unavailable


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        *(("text/html", b"<html>"), ("", b"{}"), ("application/json", b'{"a": '), ("application/json", b"[" * 100_000)),
        *(("application/json", b"\xff"), ("application/json", b"[]"), ("application/json", b"")),
    ],
)
def test_results_that_are_not_of_ari(media_type: str, body: bytes) -> None:
    """HTML of a proxy, truncated JSON, another shape: an exception that shows nothing of the body."""
    with pytest.raises(UnexpectedResponse, match="Check base_url"):
        play(GET, ApiReply(200, media_type, "", "", "", body))


@pytest.mark.parametrize("place", ["https://evil.example/x?key=1", "/sign-in", "https://[", ""])
def test_redirects_are_not_followed(place: str) -> None:
    """The key goes nowhere else; the message names the origin only."""
    with pytest.raises(UnexpectedResponse) as raised:
        play(GET, ApiReply(302, "", "", "", place))
    assert "redirects" in str(raised.value)
    assert "key=1" not in str(raised.value)


def _verdict(**changes: Any) -> bytes:
    return msgspec.json.encode(
        {"valid": True, "code": "ok", "key": None, "limits": [], "exceeded": None, "retry_after_seconds": None}
        | changes
    )


@pytest.mark.parametrize("changes", [{"new": {"a": [1]}}, {"code": "a_new_reason"}])
def test_a_newer_server_is_understood(changes: dict[str, Any]) -> None:
    """Unknown fields and unknown values of enumerations."""
    call = ApiCall("POST", "/api/verify", models.VerdictOut)
    assert play(call, ApiReply(200, "application/json", "", "", "", _verdict(**changes)))[0].valid


@pytest.mark.parametrize("changes", [{"valid": "yes"}, {"valid": None}, {"valid": 1}, {"key": []}])
def test_a_verdict_of_another_shape_is_no_yes(changes: dict[str, Any]) -> None:
    """Nothing is converted into a boolean."""
    call = ApiCall("POST", "/api/verify", models.VerdictOut)
    with pytest.raises(UnexpectedResponse, match="another shape"):
        play(call, ApiReply(200, "application/json", "", "", "", _verdict(**changes)))


def test_a_missing_field_is_named() -> None:
    """An older server doesn't have it; no value replaces it."""
    call = ApiCall("POST", "/api/verify", models.VerdictOut)
    body = _verdict().replace(b'"exceeded"', b'"older"')
    with pytest.raises(UnexpectedResponse, match="exceeded"):
        play(call, ApiReply(200, "application/json", "", "", "", body))


def test_an_operation_without_a_result_ignores_one() -> None:
    """A newer ARI may return something."""
    assert play(DELETE, OK)[0] is None
    assert play(DELETE, ApiReply(204, "", "", "", ""))[0] is None


@pytest.mark.parametrize("reply", [(200, "text/html", b"<html>"), (200, "", b""), (204, "text/html", b"")])
def test_a_sign_in_page_is_no_success(reply: tuple[int, str, bytes]) -> None:
    """A proxy's page with 200: the key was not deleted, and the page is no export."""
    status, media_type, body = reply
    for call in (DELETE, EXPORT):
        with pytest.raises(UnexpectedResponse):
            play(call, ApiReply(status, media_type, "", "", "", body))


@pytest.mark.parametrize(
    ("form", "media_type"), [(None, "text/csv"), ("csv", "text/csv"), ("json", "application/json")]
)
def test_an_export_has_the_wanted_format(form: str | None, media_type: str) -> None:
    """Another one is not ARI's."""
    call = ApiCall("GET", "/api/usage/export", ApiReply, {"format": form})
    reply = ApiReply(200, media_type, "", "", "")
    assert play(call, reply)[0] is reply
    with pytest.raises(UnexpectedResponse, match="isn't an export"):
        play(call, ApiReply(200, "application/jsonl", "", "", ""))
