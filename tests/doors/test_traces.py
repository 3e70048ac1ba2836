"""Traces of a real server, as a collector gets them: what is in them, what never is, and who may begin them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.keys import token
from tests.support.collector import Collector, SentSpan, running_collector, settings_for
from tests.support.command import Cli
from tests.support.gateway import CHAT, AiGateway, running_gateway
from tests.support.processes import eventually, kill, workers_of
from tests.support.webhook_receiver import running_receiver

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}
SERVER, CLIENT = 2, 3
"""Kinds of spans."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AiGateway]:
    """A gateway that sends its traces to ``collector``."""
    more = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test", "OTEL_SERVICE_NAME": "keys"}
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20collector-secret"}
    folder = tmp_path_factory.mktemp("traced") / "data"
    with running_gateway(folder, **settings_for(collector, **more, **secret), ARI_LOG_FORMAT="json") as running:
        yield running


def find_request(collector: Collector, request_id: str) -> tuple[SentSpan, list[SentSpan]]:
    """The span of a request, and the spans below it."""
    found = eventually(lambda: [one for one in collector.spans if one.attributes.get("ari.request_id") == request_id])
    return found[0], [one for one in collector.spans if one.parent == found[0].id]


def test_a_request_and_its_steps(traced: AiGateway, collector: Collector) -> None:
    """One span with route, status and ids; below it the key's lookup and the commit with the result."""
    response = traced.client().get("/api/me?token=never-shown", headers={"x-request-id": "trace-me", **HEADERS})
    assert "traceparent" not in response.headers
    request, steps = find_request(collector, "trace-me")
    assert (request.name, request.kind, request.failed) == ("GET /api/me", SERVER, False)
    assert (request.trace, request.parent, request.state) == (TRACE, PARENT, "vendor=opaque")
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/me",
        "http.response.status_code": response.status_code,
        "url.scheme": "http",
        "ari.request_id": "trace-me",
        "ari.result": request.attributes["ari.result"],
        "ari.key_id": traced.key_id,
    }
    assert {one.name for one in steps} == {"ari.authenticate", "ari.lookup_key", "ari.commit_usage"}
    assert all(request.start_ns <= one.start_ns <= one.end_ns <= request.end_ns for one in steps)
    assert request.resource["service.name"] == "keys"
    assert request.resource["deployment.environment.name"] == "test"
    assert collector.headers[-1]["authorization"] == "Bearer collector-secret"


def test_spans_are_named_by_the_route(traced: AiGateway, collector: Collector) -> None:
    """By its template, so that IDs and invented paths and methods make no new names."""
    client = traced.owner.api(traced.reader)
    paths = {
        f"/api/keys/{traced.key_id}": "GET /api/keys/{key_id}",
        "/api/keys/%2e%2e%0a": "GET /api/keys/{key_id}",
        "/api/no-such-path/1": "GET",
        "/no/such/page": "GET",
    }
    for number, (path, expected) in enumerate(paths.items()):
        client.get(path, headers={"x-request-id": f"route-{number}"})
        request, _ = find_request(collector, f"route-{number}")
        assert request.name == expected
        assert request.attributes.get("http.route") == (expected.partition(" ")[2] or None)
    client.request("INVENTED", "/api/keys", headers={"x-request-id": "method"})
    request, _ = find_request(collector, "method")
    assert (request.name, request.attributes["http.request.method"]) == ("HTTP /api/keys", "_OTHER")


def test_a_stranger_cannot_choose_the_trace(traced: AiGateway, collector: Collector) -> None:
    """Without a valid key, a request begins its own trace, which is only linked to the caller's."""
    for name, key in (("stranger-1", None), ("stranger-2", token.mint())):
        traced.owner.api(key).get("/api/keys", headers={"x-request-id": name, **HEADERS})
        request, _ = find_request(collector, name)
        assert request.trace != TRACE
        assert request.parent == ""
        assert request.links == [(TRACE, PARENT)]
        assert request.attributes["http.response.status_code"] == 401


@pytest.mark.parametrize("path", [CHAT, "/api/ai/anthropic/v1/messages"])
def test_a_call_of_a_provider(traced: AiGateway, collector: Collector, path: str) -> None:
    """It continues the trace at the provider, and says model and tokens, but no prompt and not the caller's state."""
    prompt = "Never show this prompt."
    body = {"model": "gpt-x", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": prompt}]}
    name = f"ai-{path.count('/')}"
    response = traced.client().post(path, json=body, headers={"x-request-id": name, **HEADERS})
    assert response.status_code == 200
    request, steps = find_request(collector, name)
    (call,) = [one for one in steps if one.kind == CLIENT]
    sent = traced.provider.last.headers
    assert sent["traceparent"] == f"00-{TRACE}-{call.id}-01"
    assert sent.get("tracestate") in (None, "vendor=opaque")
    assert call.name == "chat gpt-x"
    used = traced.read_usage(name)["ai"]
    assert call.attributes["gen_ai.operation.name"] == "chat"
    assert call.attributes["gen_ai.provider.name"] == used["provider"]
    assert call.attributes["gen_ai.request.model"] == "gpt-x"
    assert call.attributes["gen_ai.usage.input_tokens"] == used["input_tokens"]
    assert call.attributes["gen_ai.usage.output_tokens"] == used["output_tokens"]
    assert call.attributes["gen_ai.request.stream"] is True
    assert call.attributes["gen_ai.request.max_tokens"] == 9
    assert call.attributes["gen_ai.response.finish_reasons"] in (["stop"], ["end_turn"])
    assert call.attributes["gen_ai.response.id"] in ("chatcmpl-1", "msg_1")
    assert call.attributes["server.address"] == "127.0.0.1"
    assert request.attributes["http.route"].endswith("/{path}")
    assert prompt not in repr(collector.spans)


def test_a_failed_call(traced: AiGateway, collector: Collector) -> None:
    """Its status is an error in the call's span; the caller got a response of its own."""
    traced.client().post(CHAT, json={"model": "429", "messages": []}, headers={"x-request-id": "limited"})
    _, steps = find_request(collector, "limited")
    (call,) = [one for one in steps if one.kind == CLIENT]
    assert (call.failed, call.attributes["error.type"], call.attributes["http.response.status_code"]) == (
        True,
        "429",
        429,
    )


HOSTILE = [
    "",
    "00",
    f"00-{TRACE}-{PARENT}",
    f"00-{TRACE}-{PARENT}-01-more",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-zz",
    "00-" + "a" * 5_000,
]


def test_hostile_contexts_are_ignored(traced: AiGateway, collector: Collector) -> None:
    """Malformed, repeated or oversized headers begin a new trace, and nothing fails."""
    for number, value in enumerate(HOSTILE):
        response = traced.client().get("/api/me", headers={"x-request-id": f"hostile-{number}", "traceparent": value})
        assert response.status_code != 500
        request, _ = find_request(collector, f"hostile-{number}")
        assert (request.trace != TRACE, request.parent, request.links) == (True, "", [])
    twice = [("traceparent", HEADERS["traceparent"])] * 2
    traced.client().get("/api/me", headers=[*twice, ("x-request-id", "hostile-twice")])
    assert find_request(collector, "hostile-twice")[0].parent == ""
    states = ["=", "a=b," * 200, "\u00e9=1", "a=1,a=2"]
    for number, state in enumerate(states):
        given = [*HEADERS.items(), ("x-request-id", f"state-{number}")]
        headers = [(name.encode(), value.encode()) for name, value in given if name != "tracestate"]
        traced.client().get("/api/me", headers=[*headers, (b"tracestate", state.encode())])
        assert find_request(collector, f"state-{number}")[0].trace == TRACE


def test_no_secret_and_no_text_of_callers(traced: AiGateway, collector: Collector) -> None:
    """Keys in every place of a request, prompts, names, paths and queries: none is in any span or its headers."""
    secrets = [traced.key, traced.reader, token.mint(), traced.provider.key, "sk-ant-api03-Secret0123456789abcdef"]
    for secret in secrets:
        headers = {"user-agent": secret, "referer": secret, "x-request-id": f"r-{secret}", "tracestate": f"x={secret}"}
        client = traced.owner.api(traced.reader)
        client.get(f"/api/keys/{secret}?q={secret}", headers={**HEADERS, **headers})
        client.post("/api/keys", json={"name": f"n {secret}", "scopes": ["api:read"]}, headers=headers)
        client.post("/api/verify", json={"key": secret})
        body = {"model": secret, "messages": [{"role": "user", "content": secret}]}
        traced.client().post(CHAT, json=body)
        traced.client().post(f"/api/ai/gemini/v1beta/models/{secret}:generateContent", json={})
    traced.client().get("/api/me", headers={"x-request-id": "last-of-all"})
    find_request(collector, "last-of-all")
    text = repr(collector.spans).lower()
    assert [secret for secret in secrets if secret.lower() in text] == []
    assert traced.owner.server.log_text().count("collector-secret") == 0


def test_probes_are_left_out(traced: AiGateway, collector: Collector) -> None:
    """Unless a caller with a key records them: they come every few seconds, and would hide everything else."""
    known, stranger = traced.owner.api(traced.reader), traced.owner.api(None)
    for path in ("/api/health", "/api/ready", "/metrics"):
        stranger.get(path, headers={"x-request-id": "probe", **HEADERS})
        known.get(path, headers={"x-request-id": "probe"})
        known.get(path, headers={"x-request-id": f"recorded-{path}", **HEADERS})
        assert find_request(collector, f"recorded-{path}")[0].trace == TRACE
    traced.client().get("/api/me", headers={"x-request-id": "after-probes"})
    find_request(collector, "after-probes")
    assert [one.name for one in collector.spans if one.attributes.get("ari.request_id") == "probe"] == []


def test_the_log_names_the_trace(collector: Collector, make_owner: Callable[..., Any]) -> None:
    """A slow request's entry has the ids of its span."""
    owner = make_owner(settings=settings_for(collector, ARI_SLOW_REQUEST_MS="1", ARI_LOG_FORMAT="json"))
    _, secret = owner.create_key("service", scopes=["*"])
    owner.api(secret).get("/api/keys", headers={"x-request-id": "in-the-log"})
    request, _ = find_request(collector, "in-the-log")
    lines = owner.server.stderr_path.read_text(encoding="utf-8").splitlines()
    entries = [one for one in map(json.loads, lines) if one.get("request_id") == "in-the-log"]
    assert [(one["trace_id"], one["span_id"]) for one in entries] in ([], [(request.trace, request.id)])
    assert request.trace


def test_folds_and_verifications(traced: AiGateway, collector: Collector) -> None:
    """The fold process sends its own traces; a verification for a service has its results."""
    admin = traced.owner.api(traced.reader)
    admin.post("/api/verify", json={"key": token.mint()}, headers={"x-request-id": "verify"})
    _, steps = find_request(collector, "verify")
    (commit,) = [one for one in steps if one.name == "ari.commit_usage"]
    assert commit.attributes["ari.results"] == "ok=1 unknown=1"
    (fold, *_) = collector.wait_for("ari.fold")
    assert fold.attributes["ari.rows"] > 0
    assert fold.parent == ""


def test_the_log_names_the_trace_before_the_key_is_known(collector: Collector, make_owner: Callable[..., Any]) -> None:
    """A proxy that is set up wrong is reported while its request is read; the entry leads to the request's span."""
    owner = make_owner(settings=settings_for(collector, ARI_LOG_FORMAT="json"))
    _, secret = owner.create_key("service")
    owner.api(secret).get("/api/forward-auth", headers={"x-request-id": "early"})
    request, _ = find_request(collector, "early")
    lines = owner.server.stderr_path.read_text(encoding="utf-8").splitlines()
    [entry] = [one for one in map(json.loads, lines) if one["message"] == "a proxy is misconfigured"]
    assert (entry["request_id"], entry["trace_id"], entry["span_id"]) == ("early", request.trace, request.id)


def test_a_webhook_continues_a_trace(collector: Collector, make_owner: Callable[..., Any], tmp_path: Path) -> None:
    """The receiver gets the context of the span of its delivery. Neither its URL nor what it says is in the span."""
    owner = make_owner(settings=settings_for(collector))
    cli = Cli(owner.server.environment, tmp_path)
    with running_receiver() as receiver:
        cli("webhooks", "add", "Receiver", f"{receiver.url}/secret-path", "--event", "key.*", check=True)
        owner.create_key("service")
        [span] = collector.wait_for("ari.send_webhook")
        [(headers, _)] = receiver.requests
        receiver.status = 500
        owner.create_key("other")
        failed = collector.wait_for("ari.send_webhook", 2)[-1]
    assert headers["traceparent"] == f"00-{span.trace}-{span.id}-01"
    assert (span.kind, span.parent, span.failed) == (CLIENT, "", False)
    assert span.attributes["ari.delivery_id"] == headers["webhook-id"]
    assert span.attributes["ari.event_type"] == "key.created"
    assert span.attributes["http.response.status_code"] == 204
    assert (failed.failed, failed.attributes["error.type"]) == (True, "500")
    assert "secret-path" not in repr(collector.spans)
    assert collector.wait_for("ari.queue_webhooks")


def test_a_backup_is_a_trace(collector: Collector, make_owner: Callable[..., Any], tmp_path: Path) -> None:
    """The process that writes backups sends its own spans."""
    folder = tmp_path / "backups"
    folder.mkdir()
    owner = make_owner(settings=settings_for(collector, ARI_BACKUP_TO=str(folder)))
    [span] = collector.wait_for("ari.backup")
    assert (span.failed, span.parent) == (False, "")
    assert span.attributes["ari.bytes"] > 0
    assert owner.server.stop() == 0


@pytest.mark.parametrize("fault", ["down", "hangs", "fails", "redirects"])
def test_a_broken_collector_delays_nothing(make_owner: Callable[..., Any], fault: str) -> None:
    """Requests are served, the log has few lines about it, and ARI ends in time."""
    with running_collector() as broken:
        broken.hangs, broken.status = fault == "hangs", {"fails": 503, "redirects": 307}.get(fault, 200)
        given = settings_for(broken)
        if fault == "down":
            given["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
        owner = make_owner(settings={**given, "ARI_LOG_FORMAT": "json"})
        _, secret = owner.create_key("service", scopes=["*"])
        client = owner.api(secret)
        assert {client.get("/api/me").status_code for _ in range(50)} == {200}
        if fault != "down":
            assert broken.reached.wait(20)
        assert owner.server.stop(seconds=15) == 0
        log = owner.server.log_text()
        entries = [json.loads(line) for line in log.splitlines() if "traces may be incomplete" in line]
        assert {one["collector"] for one in entries} <= {
            str(given["OTEL_EXPORTER_OTLP_ENDPOINT"]).removeprefix("http://")
        }
        assert len({one["pid"] for one in entries}) == len(entries), "one of each process"
        assert ("307, a redirect that ARI doesn't follow" in log) == (fault == "redirects")


def test_a_killed_worker_is_replaced_with_its_traces(collector: Collector, make_owner: Callable[..., Any]) -> None:
    """The process that replaces it sends its own."""
    owner = make_owner(settings=settings_for(collector))
    _, secret = owner.create_key("service", scopes=["*"])
    owner.api(secret).get("/api/me", headers={"x-request-id": "before"})
    before, _ = find_request(collector, "before")
    (worker,) = workers_of(owner.server)
    kill(worker)
    eventually(lambda: set(workers_of(owner.server)) - {worker})
    owner.api(secret).get("/api/me", headers={"x-request-id": "after"})
    after, _ = find_request(collector, "after")
    assert before.resource["service.instance.id"] != after.resource["service.instance.id"]
    assert after.resource["service.name"] == "ari"


def test_wrong_variables_stop_the_start(make_server: Callable[..., Any], data_dir: Path) -> None:
    """OpenTelemetry itself would ignore a typo and record everything."""
    wrong = {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidration",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    }
    for name, value in wrong.items():
        server = make_server(settings={"ARI_TRACES": "on", name: value})
        process = server.launch()
        assert process.wait(60) != 0
        assert f"{name}:" in server.log_text()
