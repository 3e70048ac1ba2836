"""The options of keys on pages, over HTTP: set at creation, changed later, and bound to the addresses of the log."""

from typing import Any

import pytest

from tests.support.owner import csrf_of

HOME = "/settings?tab=api"
NEW = "/settings/keys/new"
OPTIONS = {
    "tags": "team-a, billing",
    "environment": "test",
    "addresses": "127.0.0.1\n2001:db8::/32",
    "limits": "100/1m\ndaily=5000/1d",
    "credits": "1000",
    "refill": "500/month",
    "metadata": '{"plan": "<b>pro</b>"}',
}


@pytest.fixture
def session(owner: Any) -> Any:
    """A signed-in client that remembers its proof."""
    owner.make_keys_over_http()
    client = owner.session()
    client.proof = csrf_of(client.get(HOME).text)
    return client


def post(session: Any, path: str, **fields: str) -> Any:
    return session.post(path, data={"csrf": session.proof, **fields})


def create(session: Any, **fields: str) -> Any:
    form_id = session.get(NEW).text.partition('name="form" value="')[2].partition('"')[0]
    return post(session, NEW, form=form_id, expires="90d", access="read-only", **fields)


def find_key(owner: Any, name: str) -> Any:
    [found] = [key for key in owner.cli.json("keys", "list")["items"] if key["name"] == name]
    return found


def test_a_key_is_created_with_its_options(owner: Any, session: Any) -> None:
    """All of them arrive, the key's page shows them escaped, and what remains is live."""
    owner.cli("consumers", "create", "Acme", "--external-id", "customer_4711", check=True)
    assert create(session, name="Full", consumer="customer_4711", day="2099-12-31", **OPTIONS).status_code == 201
    key = find_key(owner, "Full")
    assert key["expires_at"] == "2100-01-01T00:00:00.000Z"
    assert (key["environment"], key["tags"]) == ("test", ["billing", "team-a"])
    assert key["consumer"]["external_id"] == "customer_4711"
    assert key["addresses"] == ["127.0.0.1/32", "2001:db8::/32"]
    assert [one["name"] for one in key["limits"]] == ["default", "daily"]
    assert (key["credits"]["granted"], key["credits"]["refill"]["amount"]) == (1000, 500)
    assert key["metadata"] == {"plan": "<b>pro</b>"}
    page = session.get(f"/settings/keys/{key['id']}").text
    for text in ("Acme", "team-a", "2001:db8::/32", "&lt;b&gt;pro&lt;/b&gt;", "5,000 left per day"):
        assert text in page, text
    assert "<b>pro" not in page


def test_wrong_options_come_back_open_with_all_that_was_typed(owner: Any, session: Any) -> None:
    """Each problem at its field; no key was created."""
    response = create(session, name="Wrong", consumer="nobody", day="2001-01-01", tags="Ü", metadata="<script>")
    assert response.status_code == 422
    assert '<details class="more-options" open>' in response.text
    for field in ("tags", "metadata", "expires_at"):
        assert f'id="{field}-error"' in response.text
    assert "&lt;script&gt;</textarea>" in response.text
    assert 'value="nobody"' in response.text
    unknown = create(session, name="Wrong", consumer="nobody")
    assert 'id="consumer-error"' in unknown.text
    assert not [key for key in owner.cli.json("keys", "list")["items"] if key["name"] == "Wrong"]


def test_a_plain_key_needs_no_options(session: Any) -> None:
    """The options stay closed; the empty form has every field of a plain key."""
    assert '<details class="more-options">' in session.get(NEW).text
    empty = dict.fromkeys((*OPTIONS, "consumer", "day"), "")
    assert create(session, name="Plain", **empty).status_code == 201


def test_a_copy_has_the_same_options(owner: Any, session: Any) -> None:
    """A key that is bound to addresses is not copied to one that works from everywhere."""
    key, _ = owner.create_key("Bound", addresses=["203.0.113.0/24"])
    page = session.get(f"{NEW}?like={key['id']}").text
    assert '<details class="more-options" open>' in page
    assert "203.0.113.0/24</textarea>" in page


def test_addresses_of_the_log_are_suggested(owner: Any, session: Any) -> None:
    """By a link that changes nothing until the form is saved; in the dialog, what was typed stays."""
    key, secret = owner.create_key("Seen")
    path = f"/settings/keys/{key['id']}/options"
    assert "The log has no allowed requests" in session.get(f"{path}?suggest=yes").text
    owner.api(secret).get("/api/me")
    assert "127.0.0.1/32</textarea>" in session.get(f"{path}?suggest=yes").text
    typed = post(session, f"{path}?suggest=yes", tags="typed", addresses="10.0.0.1")
    assert 'value="typed"' in typed.text
    assert "127.0.0.1/32</textarea>" in typed.text
    assert find_key(owner, "Seen")["addresses"] == []
    post(session, path, addresses="127.0.0.1/32")
    assert find_key(owner, "Seen")["addresses"] == ["127.0.0.1/32"]


def test_options_of_a_dead_key_stay(owner: Any, session: Any) -> None:
    """Neither shown nor changed; an unknown key isn't found."""
    key, _ = owner.create_key("Dead options")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    path = f"/settings/keys/{key['id']}/options"
    assert session.get(path).status_code == 409
    assert post(session, path, tags="alive").status_code == 409
    assert post(session, f"{path}?suggest=yes").status_code == 409
    assert find_key(owner, "Dead options")["tags"] == []
    assert session.get("/settings/keys/key_00000000000000000000000000/options").status_code == 404


def test_consumers_are_offered_by_what_is_typed(owner: Any, session: Any) -> None:
    """Their names and IDs as text; a text that is too long or odd finds nothing."""
    owner.cli("consumers", "create", "Bits & <Pieces>", check=True)
    found = session.get("/settings/consumer-choices?consumer=pieces", headers={"hx-request": "true"}).text
    assert "Bits &amp; &lt;Pieces&gt;" in found
    for text in ("%25", "x" * 5000, "%F0%9F%92%A9"):
        response = session.get(f"/settings/consumer-choices?consumer={text}", headers={"hx-request": "true"})
        assert (response.status_code, "Pieces" in response.text) == (200, False)
