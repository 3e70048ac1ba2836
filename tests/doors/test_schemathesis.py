"""The description and the server agree: no server error, no undocumented status, responses of the described shape."""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ari.integrations.providers import providers
from tests.support.seeds import choose_seed

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("ARI_TEST_EXAMPLES", "2"))
"""For each operation; ``make fuzz`` tries more, and others each time."""
PROVIDERS = set(providers())
ENDS_ITS_CALLER = {"/api/me/revoke", "/api/me/rotate"}
"""Called with another key each time: the calling key would be gone."""
WITHOUT_INPUT = {"/api/openapi.json", "/api/me", "/api/health", "/api/ready"}
"""There is no wrong way to call these."""
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_generated_requests_meet_what_is_described(owner: Any, mode: GenerationMode) -> None:
    """Good and bad requests generated from /api/openapi.json, with a key that may do everything."""
    _, secret = owner.create_key("admin", scopes=["*"])
    sacrificed, _ = owner.create_key("to be changed, revoked and deleted")
    client = owner.api(secret)
    document = client.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    called: dict[str, int] = {}
    number = choose_seed()

    def call(case: Any) -> None:
        label = case.operation.label
        called[label] = called.get(label, 0) + 1
        if "key_id" in (case.path_parameters or {}) and called[label] % 3 == 0:
            case.path_parameters["key_id"] = sacrificed["id"]
        if (case.path_parameters or {}).get("provider") in PROVIDERS:
            case.path_parameters["provider"] = "ollama"  # which has no address of its own: no test call leaves here
        caller = owner.create_key("ends itself")[1] if case.operation.path in ENDS_ITS_CALLER else secret
        case.call_and_validate(base_url=owner.url, headers={"x-api-key": caller}, checks=CHECKS, timeout=30)

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and operation.path in WITHOUT_INPUT:
            continue
        QUIET(seed(number)(given(operation.as_strategy(generation_mode=mode))(call)))()
    left_out = set() if mode is GenerationMode.POSITIVE else WITHOUT_INPUT
    described = {(path, method) for path in document["paths"] for method in document["paths"][path]}
    assert len(described) >= 15
    assert set(called) == {f"{method.upper()} {path}" for path, method in described if path not in left_out}
    assert owner.api().get("/api/health").status_code == 200
    assert "Traceback" not in owner.server.log_text()
