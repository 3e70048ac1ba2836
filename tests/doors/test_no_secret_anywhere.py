"""Promise 3: after a full run no secret is in a log, a database, an error or a page, but in the one response."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.owner import Owner, csrf_of
from tests.support.server import ServerProcess

SETUP_TOKEN = re.compile(r"#token=(\S+)")
OWNER = ("first@example.org", "quiet herons seven 41")


def test_no_minted_secret_is_kept_in_clear(make_server: Any, data_dir: Path) -> None:
    """Keys by page, API and command line; the setup token, the password, the session and device cookies."""
    server = make_server(settings={"ARI_LOG_LEVEL": "debug"}).start()
    with closing(Owner(server, *OWNER)) as owner:
        _run(owner, server, data_dir)


def _run(owner: Owner, server: ServerProcess, data_dir: Path) -> None:
    [setup_token] = SETUP_TOKEN.findall(server.setup_link)
    visitor = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
    fields = {"token": setup_token, "email": OWNER[0], "password": OWNER[1]}
    fields["csrf"] = csrf_of(visitor.get("/setup").text)
    assert visitor.post("/setup", data=fields).status_code == 303
    session = owner.session()
    secrets = [owner.create_key("by command", scopes=["*"])[1]]
    admin = owner.api(secrets[0])
    secrets.append(admin.post("/api/keys", json={"name": "by API"}).json()["secret"])
    form = session.get("/settings/keys/new").text
    form_id = form.split('name="form" value="')[1].split('"')[0]
    made = session.post(
        "/settings/keys/new",
        data={"csrf": csrf_of(form), "form": form_id, "name": "by page", "expires": "1h", "access": "standard"},
    )
    secrets += re.findall(r"ari_k_[0-9A-Za-z]{49}", made.text)[:1]
    assert len(set(secrets)) == 3
    texts = _exercise(owner, session, admin, secrets)
    cookies = {value for client in (visitor, session) for name, value in client.cookies.items() if "done" not in name}
    owner.cli("keys", "list", check=True)
    texts += [owner.cli(*words).stdout for words in (("keys", "list"), ("usage",), ("events",), ("doctor",))]
    server.stop()
    texts.append(server.log_text().replace(server.setup_link, ""))
    for secret in (*secrets, *(secret[6:30] for secret in secrets), setup_token, OWNER[1], *cookies):
        for text in texts:
            assert secret not in text
        for file in data_dir.rglob("*"):
            if file.is_file():
                assert secret.encode() not in file.read_bytes(), file.name


def _exercise(owner: Any, session: Any, admin: Any, secrets: list[str]) -> list[str]:
    """Everything that could repeat a secret: pages, lists, errors, wrong places."""
    answers = []
    keys = admin.get("/api/keys").json()["items"]
    for secret in secrets:
        client = owner.api(secret)
        answers += [
            client.get("/api/me"),
            client.get("/api/keys"),
            client.get("/api/nothing", headers={"user-agent": secret, "x-request-id": secret, "referer": secret}),
            client.get(f"/api/me?key={secret}"),
            client.get(f"/api/{secret}"),
            client.post("/api/keys", json={"name": secret}),
            client.post("/api/keys", content=b"{" + secret.encode()),
            owner.api(f"{secret}x").get("/api/me"),
            owner.api().get("/api/me", headers={"authorization": f"Basic {secret}"}),
            session.get(f"/sign-in?next={secret}"),
            admin.post(f"/api/keys/{keys[0]['id']}/revoke", json={"reason": secret}),
        ]
    answers += [session.get(path) for path in ("/settings?tab=api", *(f"/settings/keys/{key['id']}" for key in keys))]
    answers += [admin.get(path) for path in ("/api/usage?limit=200", "/api/events?limit=200", "/api/keys")]
    wrong = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
    form = {"csrf": csrf_of(wrong.get("/sign-in").text), "email": OWNER[1], "password": secrets[0]}
    answers.append(wrong.post("/sign-in", data=form))
    return [answer.text + str(answer.headers) for answer in answers if answer.status_code != 201]
