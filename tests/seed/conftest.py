"""One server a module: the sentences are about what users do, one after the other, on one instance."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.owner import EMAIL, PASSWORD, Owner, csrf_of
from tests.support.server import ARI, ServerProcess

_SECRET = re.compile(r"ari_k_[0-9A-Za-z]{49}")
_FORM = re.compile(r'name="form" value="([^"]+)"')


class Pages:
    """Settings > API as its owner uses it: forms over real HTTP."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.client = owner.session()

    def table(self) -> str:
        """The page's text with its tags."""
        return unescape(self.client.get("/settings?tab=api").text)

    def row(self, name: str) -> str:
        """The table's row of the key with this name."""
        rows = re.findall(r"<tr\b.*?</tr>", self.table(), re.DOTALL)
        [found] = [row for row in rows if name in row]
        return str(found)

    def create(self, name: str, expires: str = "90d", access: str = "standard") -> tuple[str, str]:
        """Create a key by the form: its id and its secret."""
        form = self.client.get("/settings/keys/new").text
        fields = {"csrf": csrf_of(form), "name": name, "expires": expires, "access": access}
        found = _FORM.search(form)
        assert found
        fields["form"] = found[1]
        answer = self.client.post("/settings/keys/new", data=fields)
        if answer.status_code == 403:  # the clock went on; the page asks for the password first
            answer = self.client.post("/settings/keys/new", data={**fields, "confirm_password": PASSWORD})
        assert answer.status_code == 201, answer.text
        secret = _SECRET.search(answer.text)
        assert secret
        key = self.owner.api(secret[0]).get("/api/me").json()["key"]
        return key["id"], secret[0]

    def act(self, key_id: str, verb: str, **fields: str) -> httpx2.Response:
        """Confirm the page of a verb (``revoke``, ``delete``)."""
        address = f"/settings/keys/{key_id}/{verb}"
        page = self.client.get(address)
        assert page.status_code == 200, page.text
        return self.client.post(address, data={"csrf": csrf_of(page.text), **fields})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder: Path = tmp_path_factory.mktemp("seed") / "data"
    folder.mkdir(mode=0o700)
    admin = {"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD}
    server = ServerProcess(folder, settings=admin, command=ARI)
    try:
        owner = Owner(server.start())
        server.settings.update(dict.fromkeys(admin))
        yield Pages(owner)
        owner.close()
    finally:
        server.kill()


def get(pages: Pages, secret: str, path: str = "/api/openapi.json") -> Any:
    """Call the API with the key in its header."""
    return pages.owner.api(secret).get(path)
