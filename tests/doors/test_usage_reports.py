"""Numbers, searches and exports of the usage log, at every door alike."""

import codecs
import csv
import io
import json
from typing import Any

import httpx2
import pytest

from ari.base.settings import load_settings
from ari.storage.engine import Database
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.owner import csrf_of
from tests.support.usage import make_row


@pytest.fixture(scope="module")
def used_key(shared_owner: Any) -> dict[str, Any]:
    """A key with five requests of several kinds."""
    key, secret = shared_owner.create_key("=Reported", scopes=["api:read"])
    other, other_secret = shared_owner.create_key("Reads usage", scopes=["usage:read"])
    api = shared_owner.api(secret, headers={"user-agent": "=cmd|calc"})
    for path in ("/api/me", "/api/me?x=1", "/api/openapi.json", "/api/nothing", "/api/events"):
        api.get(path)
    return {"key": key, "other": other, "reader": shared_owner.api(other_secret)}


@pytest.fixture(scope="module")
def own(shared_owner: Any) -> tuple[str, Any]:
    """A key that may only ask for itself: its id, and a client that has used it twice."""
    key, secret = shared_owner.create_key("Curious")
    client = shared_owner.api(secret, headers={"user-agent": "=cmd|calc"})
    for _ in range(2):
        client.get("/api/me")
    return key["id"], client


def test_numbers_agree_at_the_api(used_key: dict[str, Any]) -> None:
    """Totals, codes, parts and routes of the key are those of its rows."""
    answer = used_key["reader"].get(f"/api/keys/{used_key['key']['id']}/usage/summary", params={"by": "hour"})
    assert answer.status_code == 200
    facts = answer.json()
    assert (facts["request_count"], facts["refused_count"]) == (4, 1)
    assert {one["code"]: one["count"] for one in facts["codes"]} == {"ok": 4, "insufficient_scope": 1}
    assert sum(part["request_count"] for part in facts["parts"]) == 4
    assert len(facts["parts"]) in (168, 169)
    assert facts["routes"][0] == {"route": "/api/me", "request_count": 2, "refused_count": 0}
    assert {one["route"] for one in facts["routes"]} == {"/api/me", "/api/openapi.json", "(none)", "/api/events"}
    everything = used_key["reader"].get("/api/usage/summary", params={"time_zone": "Europe/Berlin"}).json()
    assert everything["request_count"] >= 4
    assert everything["time_zone"] == "Europe/Berlin"
    mine = [one for one in everything["top_keys"] if one["key_id"] == used_key["key"]["id"]]
    assert everything["key_count"] > 10 or mine == [
        {"key_id": used_key["key"]["id"], "name": "=Reported", "request_count": 4, "refused_count": 1}
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2020-01-01T00:00:00Z"}, "since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"by": "minute"}, "by"),
        ({"page": "2"}, "page"),
    ],
)
def test_bad_spans_are_refused_by_name(used_key: dict[str, Any], query: dict[str, str], field: str) -> None:
    """422 with the parameter that is wrong."""
    answer = used_key["reader"].get("/api/usage/summary", params=query)
    assert answer.status_code == 422
    assert [one["location"] for one in answer.json()["errors"]] == [field]


def test_a_key_reads_its_own_numbers_only(used_key: dict[str, Any], own: tuple[str, Any]) -> None:
    """Others, and those of all keys, need usage:read; a key that never was is not found."""
    for what in ("summary", "export"):
        assert own[1].get(f"/api/keys/{own[0]}/usage/{what}").status_code == 200
        assert own[1].get(f"/api/keys/{used_key['other']['id']}/usage/{what}").status_code == 403
        assert own[1].get(f"/api/usage/{what}").status_code == 403
        assert used_key["reader"].get(f"/api/keys/key_{'0' * 26}/usage/{what}").status_code == 404


def test_the_log_is_narrowed_by_method_status_and_text(used_key: dict[str, Any]) -> None:
    """At the list and at the export alike."""
    place, reader = f"/api/keys/{used_key['key']['id']}/usage", used_key["reader"]
    for query, paths in (
        ({"status": "4xx", "q": "nothing"}, ["/api/nothing"]),
        ({"status": "403"}, ["/api/events"]),
        ({"q": "ME"}, ["/api/me", "/api/me"]),
        ({"method": "POST"}, []),
        ({"code": "insufficient_scope", "q": "calc"}, ["/api/events"]),
    ):
        listed = reader.get(place, params={**query, "until": "2100-01-01T00:00:00Z"}).json()
        exported = reader.get(f"{place}/export", params={**query, "format": "json"}).json()
        assert [row["path"] for row in listed["items"]] == [row["path"] for row in exported] == paths
    for query in ({"status": "teapot"}, {"method": "BREW"}, {"q": "x" * 300}):
        assert reader.get(place, params=query).status_code == 422
        assert reader.get(f"{place}/export", params=query).status_code == 422


def test_exports_are_attachments_and_events(own: tuple[str, Any], shared_owner: Any) -> None:
    """A fixed name, no formula, all rows; the event has who exported what, but not the text that was searched for."""
    key_id, client = own
    place = f"/api/keys/{key_id}/usage/export"
    answer = client.get(place, params={"q": "/api/ME", "code": "ok"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="ari-usage.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 2
    assert {row["user_agent"] for row in rows} == {"'=cmd|calc"}
    assert answer.content.startswith(codecs.BOM_UTF8)
    event = shared_owner.cli.json("events")["items"][0]
    assert (event["name"], event["actor"], event["subject"]) == ("usage_exported", key_id, key_id)
    assert event["detail"] == {"format": "csv", "code": "ok", "by_text": True}
    assert not client.get(place, params={"bom": "false"}).content.startswith(codecs.BOM_UTF8)
    assert client.get(place, params={"format": "json"}).headers["content-type"] == "application/json"


def test_the_owner_exports_by_a_form(used_key: dict[str, Any], shared_owner: Any) -> None:
    """With the proof that it comes from our page; the same rows as at the API and at the command line."""
    session = shared_owner.session()
    place = f"/settings/keys/{used_key['key']['id']}"
    proof = {"csrf": csrf_of(session.get(place).text)}
    assert session.post(f"{place}/export", data={"format": "json"}).status_code == 403
    assert session.get(f"{place}/export").status_code == 405
    form = {**proof, "format": "json", "q": "calc", "range": "24h"}
    by_form = session.post(f"{place}/export", data=form)
    assert by_form.headers["content-disposition"] == 'attachment; filename="ari-usage.json"'
    assert [row["path"] for row in by_form.json()] == [
        "/api/events",
        "/api/nothing",
        "/api/openapi.json",
        "/api/me",
        "/api/me",
    ]
    for wrong in ({"format": "xlsx"}, {"format": "csv", "status": "teapot"}, {"format": "csv", "from": "x"}):
        assert session.post(f"{place}/export", data={**proof, **wrong}).status_code == 422
    arguments = ("usage", "export", "--key", used_key["key"]["id"], "--method", "get", "--text", "calc")
    assert json.loads(shared_owner.cli(*arguments, "--format", "json", check=True).stdout) == by_form.json()
    exported = session.post("/settings/usage/export", data={**proof, "format": "csv"})
    assert "'=cmd|calc" in exported.text
    assert exported.content.startswith(codecs.BOM_UTF8)
    for option, begins in (("--bom", "\ufeffid,"), ("--no-bom", "id,")):
        assert shared_owner.cli("usage", "export", option, check=True).stdout.startswith(begins)


def test_a_log_of_many_pieces_is_sent_whole(shared_owner: Any) -> None:
    """Every row once, newest first, over the borders of pieces."""
    key, secret = shared_owner.create_key("Large")
    _fill(shared_owner, key["id"], 2_500)
    place = f"/api/keys/{key['id']}/usage/export"
    rows = shared_owner.api(secret).get(place, params={"format": "json", "q": "curl/7.88"}).json()
    assert len({row["id"] for row in rows}) == len(rows) == 2_500
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_an_export_that_breaks_off_is_seen_to(make_owner: Any) -> None:
    """A log that cannot be read any more is no end of the file: the connection ends without its last chunk."""
    owner = make_owner()
    key, secret = owner.create_key("Broken off")
    _fill(owner, key["id"], 12_000, user_agent="x" * 250)
    log = owner.server.data_dir / "usage.db"
    with owner.api(secret).stream("GET", f"/api/keys/{key['id']}/usage/export") as answer:
        parts = answer.iter_bytes()
        next(parts)
        log.rename(log.with_name("away.db"))
        with pytest.raises(httpx2.RemoteProtocolError):
            list(parts)
    log.with_name("away.db").rename(log)
    assert owner.api(secret).get("/api/me").status_code == 200


def _fill(owner: Any, key_id: str, count: int, **fields: Any) -> None:
    database = Database.open(load_settings(data_dir=owner.server.data_dir))
    for start in range(0, count, 1_000):
        rows = [
            make_row(START_MS - 10**10 + start + n, key_id=key_id, **fields) for n in range(min(1_000, count - start))
        ]
        database.usage.commit(Batch(rows))
    database.close()


@pytest.mark.parametrize("report", ["", "/summary", "/ai", "/export"])
@pytest.mark.parametrize("prefix", ["/api/usage", "/api/keys/{id}/usage"])
@pytest.mark.parametrize(
    "query",
    [
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59.999Z"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": "0001-01-01T00:00:00Z"},
    ],
)
def test_times_at_the_edges_of_the_calendar(
    used_key: dict[str, Any], query: dict[str, str], prefix: str, report: str
) -> None:
    """They are searched for, or refused with the field's name; a zone does not change that."""
    path = prefix.format(id=used_key["key"]["id"]) + report
    zones = ("America/New_York", "Pacific/Kiritimati") if report in ("/summary", "/ai") else (None,)
    for zone in zones:
        answer = used_key["reader"].get(path, params={**query, **({"time_zone": zone} if zone else {})})
        if answer.status_code != 200:
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["location"] in query
