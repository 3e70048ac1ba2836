"""The seed's section "Using a Key"."""

import subprocess

from tests.seed.conftest import Pages


def test_include_the_api_key_in_the_x_api_key_header(pages: Pages) -> None:
    """ "Include the API key in the x-api-key header of your requests"."""
    _, secret = pages.create("header")
    assert pages.owner.api().get("/api/me").status_code == 401
    assert pages.owner.api().get("/api/me", headers={"x-api-key": secret}).status_code == 200
    assert pages.owner.api().get("/api/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_the_curl_example(pages: Pages) -> None:
    """ "curl -H "x-api-key: …" https://your-ari-domain/api/openapi.json", with the real curl."""
    _, secret = pages.create("curl")
    command = ["curl", "-sS", "--fail", "-H", f"x-api-key: {secret}", f"{pages.owner.url}/api/openapi.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert '"openapi":"3.1' in done.stdout.replace(" ", "")
