"""Promise 3: after a full run no secret is in a log, a database, an error or a page, but in the one response."""

import re
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.owner import Owner, csrf_of
from tests.support.server import ServerProcess

SETUP_TOKEN = re.compile(r"#token=(\S+)")
IMPORTED = "shop-live-9hX2mQw7LrBn4Zs6Yc8Jd0Fg"
REPEATED = "retry-4c9e2f7a-51b8-4d0e-9a63"
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
    texts = _exercise_newer(owner, admin, secrets)
    texts += _exercise(owner, session, admin, secrets)
    cookies = {value for client in (visitor, session) for name, value in client.cookies.items() if "done" not in name}
    owner.cli("keys", "list", check=True)
    texts += [
        owner.cli(*words).stdout for words in (("keys", "list"), ("usage",), ("events",), ("doctor", "--verbose"))
    ]
    server.stop()
    texts.append(server.log_text().replace(server.setup_link, ""))
    kept = (setup_token, OWNER[1], IMPORTED, REPEATED, *cookies)
    for secret in (*secrets, *(secret[-49:-20] for secret in secrets), *kept):
        for text in texts:
            assert secret not in text
        for file in data_dir.rglob("*"):
            if file.is_file():
                assert secret.encode() not in file.read_bytes(), file.name


def _exercise_newer(owner: Any, admin: Any, secrets: list[str]) -> list[str]:
    """Rotations, a repeated request, a kind, an import and reports of leaks; appends the secrets that they return."""
    repeated = [
        admin.post("/api/keys", json={"name": "repeated"}, headers={"Idempotency-Key": REPEATED}) for _ in range(2)
    ]
    assert len({one.json()["secret"] for one in repeated}) == 1
    key_id = repeated[0].json()["key"]["id"]
    rotate = [
        admin.post(f"/api/keys/{key_id}/rotate", json={"overlap": "1h"}, headers={"Idempotency-Key": REPEATED + "2"})
        for _ in range(2)
    ]
    assert len({one.json()["secret"] for one in rotate}) == 1
    by_command = owner.cli("keys", "rotate", key_id, "--retire-old-now", "--yes", check=True).stdout.strip()
    assert admin.post("/api/kinds", json={"name": "acme", "prefix": "acme_live_"}).status_code == 201
    of_kind = admin.post("/api/keys", json={"name": "of a kind", "kind": "acme"}).json()["secret"]
    made = [repeated[0].json()["secret"], rotate[0].json()["secret"], by_command, of_kind]
    assert len(set(made)) == 4
    line = {"name": "imported", "scheme": "sha256-hex", "hash": sha256(IMPORTED.encode()).hexdigest()}
    answers = [admin.post("/api/keys/import", json={"keys": [line, {**line, "name": IMPORTED}]})]
    assert answers[0].json()["imported"] == 1
    answers += [
        owner.api(IMPORTED).get("/api/me"),
        owner.api().get("/api/me", headers={"authorization": f"Bearer {IMPORTED}"}),
    ]
    assert [one.status_code for one in answers] == [200] * 3
    for secret in (*made, IMPORTED):
        where = {"url": f"https://example.com/?key={secret}", "source": "a scanner"}
        answers += [
            owner.api().post("/api/leaks", json={"token": f"API_KEY={secret}", **where}),
            owner.api(secret).post("/api/keys", json={"name": "n"}, headers={"Idempotency-Key": REPEATED}),
        ]
    answers += [admin.get(f"/api/keys/{key_id}/secrets"), admin.get(f"/api/keys/{key_id}/secrets/1")]
    secrets += made
    return [answer.text + str(answer.headers) for answer in answers]


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
