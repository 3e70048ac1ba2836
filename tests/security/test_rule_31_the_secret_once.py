"""Rule 31: the secret exists only in the response to the POST that made it. The browser's side: tests/browser."""

import re
from pathlib import Path
from typing import Any

from tests.support.instances import opened
from tests.support.owner import csrf_of
from tests.support.page_client import add_owner, page_client

NEW = "/settings/keys/new"
SECRET = re.compile(r"ari_k_[0-9A-Za-z]{49}")


def fields_of(page: str, **chosen: str) -> dict[str, str]:
    """The form as the browser would send it: the hidden fields and the choices."""
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form
    return {"csrf": csrf_of(page), "form": form[1], "expires": "7d", "access": "standard", **chosen}


def test_the_response_to_the_post_shows_it_once(owner: Any) -> None:
    """201, not stored, not redirected, no cookie; the secret is there once, in code that nobody translates."""
    client = owner.session()
    answer = client.post(NEW, data=fields_of(client.get(NEW).text, name="Once"))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    secrets = SECRET.findall(answer.text)
    assert len(secrets) == 1
    assert f'<code id="secret" translate="no" data-secret>{secrets[0]}</code>' in answer.text
    assert not re.search(r"<(input|textarea)[^>]*ari_k_[0-9A-Za-z]{49}", answer.text)
    assert owner.api(secrets[0]).get("/api/me").status_code == 200
    for path in ("/settings?tab=api", NEW, f"/settings/keys/{_newest(owner)}"):
        assert secrets[0] not in client.get(path).text


def test_a_repeated_form_makes_nothing(owner: Any) -> None:
    """The same form id again, in whatever order of values: 409, no secret, one key, named on the page."""
    client = owner.session()
    fields = fields_of(client.get(NEW).text, name="Repeated")
    assert client.post(NEW, data=fields).status_code == 201
    for again in (fields, {**fields, "name": "Another name"}):
        answer = client.post(NEW, data=again)
        assert answer.status_code == 409
        assert "Key already created" in answer.text
        assert "Repeated" in answer.text
        assert not SECRET.search(answer.text)
    assert [key["name"] for key in owner.cli.json("keys", "list")["items"]] == ["Repeated"]


def test_a_repeat_never_names_the_key_of_another_form(data_dir: Path) -> None:
    """Two tabs submitted in the same millisecond: no key is named, as the owner might revoke the wrong one."""
    with opened(data_dir, None) as instance, page_client(instance) as visitor:
        add_owner(instance)
        browser = visitor.sign_in()
        first, second = (fields_of(browser.get(NEW).text, name=name) for name in ("First tab", "Second tab"))
        assert browser.post(NEW, first).status == 201
        assert "First tab" in browser.post(NEW, first).text
        assert browser.post(NEW, second).status == 201
        for fields in (first, second):
            repeat = browser.post(NEW, fields)
            assert repeat.status == 409
            assert "You've already submitted this form." in repeat.text
            assert "First tab" not in repeat.text
            assert "Second tab" not in repeat.text


def test_a_repeat_is_noticed_by_every_worker_and_after_a_restart(make_owner: Any) -> None:
    """The memory of used forms lies in the database."""
    owner = make_owner(workers=2)
    client = owner.session()
    fields = fields_of(client.get(NEW).text, name="Many doors")
    statuses = [client.post(NEW, data=fields, headers={"Connection": "close"}).status_code for _ in range(8)]
    assert statuses == [201] + [409] * 7
    owner.server.restart()
    assert client.post(NEW, data=fields).status_code == 409


def test_a_refused_form_can_be_sent_again(owner: Any) -> None:
    """A form that made nothing is not used up."""
    client = owner.session()
    fields = fields_of(client.get(NEW).text, name=" ")
    assert client.post(NEW, data=fields).status_code == 422
    assert client.post(NEW, data={**fields, "name": "Mended"}).status_code == 201


def test_a_form_without_a_fresh_id_makes_nothing(owner: Any) -> None:
    """No id, a made-up one, or one older than twelve hours: the form comes back with a new id."""
    client = owner.session()
    page = client.get(NEW).text
    for form in ("", "form_x", "form_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "form_00000000000000000000000000"):
        answer = client.post(NEW, data={**fields_of(page, name="Odd"), "form": form})
        assert answer.status_code == 422
        assert fields_of(answer.text)["form"] != form
    owner.server.clock.advance(13 * 3600)
    stale = client.post(NEW, data=fields_of(page, name="Odd"))
    assert stale.status_code == 422
    assert "This form has expired." in stale.text
    assert owner.cli.json("keys", "list")["items"] == []


def test_the_ready_line_names_a_variable(owner: Any) -> None:
    """The curl line uses $ARI_API_KEY, so the key does not get into the shell's history with it."""
    client = owner.session()
    page = client.post(NEW, data=fields_of(client.get(NEW).text, name="Line")).text
    assert f"curl -H &#34;x-api-key: $ARI_API_KEY&#34; {owner.url}/api/me" in page.replace('"', "&#34;")
    assert "export ARI_API_KEY=…" in page


def _newest(owner: Any) -> str:
    return str(owner.cli.json("keys", "list")["items"][0]["id"])


def test_a_provider_key_is_never_repeated(owner: Any) -> None:
    """Refused, unconfirmed or encrypted: no response holds it; its field is empty, never filled in or spell-checked."""
    client, place = owner.session(), "/settings/integrations/openai/key"
    form = client.get(place).text
    field = re.search(r'<input[^>]*id="provider_key"[^>]*>', form)
    assert field
    for wanted in ('autocomplete="off"', 'spellcheck="false"', 'translate="no"'):
        assert wanted in field[0]
    assert "value=" not in field[0]
    wrong, right = "Bearer sk-0123456789abcdefABCDEF", "sk-0123456789abcdefABCDEFwxyz"
    answers = [client.post(place, data={"csrf": csrf_of(form), "provider_key": one}) for one in (wrong, right)]
    assert [answer.status_code for answer in answers] == [422, 303]
    owner.server.clock.advance(16 * 60)
    answers.append(client.post(place, data={"csrf": csrf_of(form), "provider_key": right}))
    assert "Confirm it's you" in answers[-1].text
    answers.append(client.get("/settings/integrations"))
    assert "sk-0…wxyz" in answers[-1].text
    for answer in answers:
        assert "0123456789abcdef" not in f"{answer.text} {answer.headers}"
    assert "0123456789abcdef" not in owner.server.log_text()
