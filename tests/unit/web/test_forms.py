"""Forms: values, problems, and acting once."""

from dataclasses import replace

from ari.base.clock import HOUR_MS
from ari.base.errors import Problem
from ari.web.forms import FORM_LIVES_MS, Form, form_from, new_form_id, use_once
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

NOW_MS = 1_800_000_000_000


def transaction() -> MemoryTransaction:
    return MemoryTransaction(FrozenClock(NOW_MS))


def use(tx: MemoryTransaction, form_id: str, now_ms: int) -> str:
    return use_once(replace(tx, clock=FrozenClock(now_ms)), form_id)


def test_a_form_acts_once() -> None:
    """The first use counts, each later one is distinguished, other forms are not touched."""
    tx, form = transaction(), new_form_id(NOW_MS)
    assert [use(tx, form, NOW_MS + 5), use(tx, form, NOW_MS + 6)] == ["first", "again"]
    assert use(tx, new_form_id(NOW_MS), NOW_MS + 7) == "first"


def test_an_old_form_is_stale_before_it_is_forgotten() -> None:
    """No instant exists at which a used form could pass as unused."""
    tx, form = transaction(), new_form_id(NOW_MS)
    assert use(tx, form, NOW_MS + FORM_LIVES_MS - 1) == "first"
    assert use(tx, form, NOW_MS + FORM_LIVES_MS) == "stale"
    [(_, forget_at_ms)] = tx.accounts.buckets.values()
    assert forget_at_ms > NOW_MS + FORM_LIVES_MS + HOUR_MS


def test_what_is_no_form_id_is_stale() -> None:
    """Missing, malformed and future ids are refused without being kept."""
    tx = transaction()
    for form in ("", "form_", "key_01JD7WZ2ABCDEFGHJKMNPQRSTV", new_form_id(NOW_MS + HOUR_MS)):
        assert use(tx, form, NOW_MS) == "stale"
    assert tx.accounts.buckets == {}


def test_values_and_first_problems() -> None:
    """Only named fields are read, a repeated field counts once, each field shows its first problem."""
    form = form_from({"name": ["a", "b"], "other": ["c"]}, "name", "expires")
    assert (form.value("name"), form.value("expires", "90d")) == ("a", "90d")
    shown = form.with_problems([Problem("name", "One."), Problem("name", "Two.")]).with_problem("form", "All.")
    assert (shown.problem("name"), shown.problem("form"), shown.problem("expires")) == ("One.", "All.", None)
    assert isinstance(shown, Form)
