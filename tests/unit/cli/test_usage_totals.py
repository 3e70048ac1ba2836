"""``ari usage totals``: the numbers of the API and the pages, by key, consumer or tag."""

from ari.base.ids import new_id
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.unit.cli.conftest import Ari


def test_requests_are_counted_by_key_consumer_and_tag(ari: Ari) -> None:
    """A key with two tags counts in each; the log and the totals take the same filters."""
    ari("consumers", "create", "Acme", "--external-id", "acme")
    for name, options in (
        ("a", ("--consumer", "acme", "--tag", "t", "--tag", "u")),
        ("b", ("--tag", "t")),
        ("c", ()),
    ):
        ari("keys", "create", name, *options)
    ids = {key["name"]: key["id"] for key in ari.json("keys", "list")["items"]}
    instance = ari.instance()
    at_ms = instance.now_ms()
    rows = [
        UsageRow(new_id("req", at_ms), at_ms, "r", ids[name], "ari_k_a…b", code, "GET", "/x", "/x", None, None)
        for name, code in (("a", "ok"), ("a", "ok"), ("b", "ok"), ("c", "ok"), ("a", "disabled"))
    ]
    instance.database.usage.commit(Batch(rows))
    instance.close()
    by_tag = ari.json("usage", "totals", "--by", "tag")
    assert [(one["name"], one["key_count"], one["request_count"]) for one in by_tag["groups"]] == [
        ("t", 2, 3),
        ("u", 1, 2),
    ]
    assert (by_tag["request_count"], by_tag["refused_count"], by_tag["key_count"]) == (4, 1, 3)
    [acme] = ari.json("usage", "totals", "--by", "consumer", "--tag", "t")["groups"]
    assert (acme["name"], acme["request_count"], acme["refused_count"]) == ("Acme", 2, 1)
    assert "Total\t1\t2\t1" in ari("usage", "totals", "--consumer", "acme").out
    assert len(ari.json("usage", "--tag", "t")["items"]) == 4
    assert ari("usage", "export", "--consumer", "acme", "--format", "json").out.count('"id"') == 3
    assert ari("usage", "totals", "--tag", "No", check=False).code != 0
    assert ari("usage", "--consumer", "nobody", check=False).code != 0
