"""Settings > API > Consumers, over HTTP: each form keeps what was typed, and nobody loses a consumer that has keys."""

from typing import Any

import pytest

from tests.support.owner import csrf_of

HOME = "/settings?tab=api"
CONSUMERS = "/settings/consumers"


@pytest.fixture
def session(owner: Any) -> Any:
    """A signed-in client that remembers its proof."""
    owner.make_keys_over_http()
    client = owner.session()
    client.proof = csrf_of(client.get(HOME).text)
    return client


def post(session: Any, path: str, **fields: str) -> Any:
    return session.post(path, data={"csrf": session.proof, **fields})


def create(session: Any, **fields: str) -> str:
    """The URL of the new consumer's page."""
    response = post(session, f"{CONSUMERS}/new", **fields)
    assert response.status_code == 303, response.text
    return str(response.headers["location"])


def test_a_consumer_is_created_changed_and_deleted(owner: Any, session: Any) -> None:
    """Its page shows all that was typed, escaped; the search finds it by each of its texts."""
    assert "No consumers yet" in session.get(CONSUMERS).text
    url = create(session, name="A <b> & C", external_id="customer_1", metadata='{"plan": "<i>"}')
    page = session.get(url).text
    assert "A &lt;b&gt; &amp; C" in page
    assert "&lt;i&gt;" in page
    for text in ("a+%3Cb", "customer_1", url.rpartition("/")[2]):
        assert url in session.get(f"{CONSUMERS}?q={text}").text
    assert "No matching consumers" in session.get(f"{CONSUMERS}?q=nothing-like-it").text
    assert post(session, f"{url}/edit", name="Renamed").headers["location"] == url
    changed = owner.cli.json("consumers", "list")["items"][0]
    assert (changed["name"], changed["external_id"], changed["metadata"]) == ("Renamed", None, {})
    assert post(session, f"{url}/delete").headers["location"] == CONSUMERS
    assert session.get(url).status_code == 404


def test_a_consumer_that_has_keys_stays(owner: Any, session: Any) -> None:
    """The refusal names their number; the page links each, and the list counts them."""
    url = create(session, name="Busy", external_id="busy")
    key, _ = owner.create_key("Of busy", consumer="busy")
    owner.create_key("Of nobody")
    refused = post(session, f"{url}/delete")
    assert refused.status_code == 409
    assert "This consumer has an API key. Delete or move its keys first." in refused.text
    page = session.get(url).text
    assert f'href="/settings/keys/{key["id"]}"' in page
    assert "Of nobody" not in page
    assert f'href="{url}"' in session.get(f"/settings/keys/{key['id']}").text
    assert '<td class="number">1</td>' in session.get(CONSUMERS).text


def test_rows_of_keys_name_the_consumer_and_the_environment(owner: Any, session: Any) -> None:
    """Escaped; a live key of nobody has neither."""
    create(session, name="<Row> Inc.", external_id="row")
    owner.create_key("Of live")
    assert '<span class="badge badge-soon">Test</span>' not in session.get(HOME).text
    owner.create_key("Of test", consumer="row", environment="test")
    table = session.get(HOME).text
    assert '<bdi class="break">&lt;Row&gt; Inc.</bdi>' in table
    assert table.count('<span class="badge badge-soon">Test</span>') == 1


def test_problems_are_at_their_fields_and_nothing_typed_is_lost(session: Any) -> None:
    """A taken external ID too, both for a new consumer and for a changed one."""
    create(session, name="First", external_id="taken")
    second = create(session, name="Second")
    for path in (f"{CONSUMERS}/new", f"{second}/edit"):
        response = post(session, path, name="Typed", external_id="taken")
        assert response.status_code == 422
        assert 'id="external_id-error"' in response.text
        assert 'value="Typed"' in response.text
        wrong = post(session, path, name=" ", metadata="<nonsense>")
        assert wrong.status_code == 422
        assert 'id="metadata-error"' in wrong.text
        assert "&lt;nonsense&gt;</textarea>" in wrong.text
        assert 'id="name-error"' in post(session, path, name=" ").text


def test_the_list_has_pages(session: Any) -> None:
    """The search goes along; an unknown place isn't found."""
    for number in range(27):
        create(session, name=f"Paged {number:02}")
    first = session.get(f"{CONSUMERS}?q=paged").text
    assert ("Paged 26" in first, "Paged 01" in first) == (True, False)
    following = first.partition(f'href="{CONSUMERS}?q=paged&amp;before=')[2].partition('"')[0]
    last = session.get(f"{CONSUMERS}?q=paged&before={following}").text
    assert ("Paged 26" in last, "Paged 01" in last, "Paged 00" in last) == (False, True, True)
    for path in (f"{CONSUMERS}?before=x", f"{CONSUMERS}/customer_1", f"{CONSUMERS}/con_00000000000000000000000000"):
        assert session.get(path).status_code == 404, path
