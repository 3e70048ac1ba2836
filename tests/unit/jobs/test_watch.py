"""The background scan: once a minute for all workers together."""

from pathlib import Path

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.ai_rules.change_budgets import increase_shared_budget, set_budgets
from ari.jobs.watch import scan_once
from ari.keys.limits.charge import INSTANCE_ID, INSTANCE_PREFIX, Charge, Estimate, RuleOwner, Settlement
from ari.keys.limits.rules import Budget, LimitRules
from ari.keys.limits.spending import Amounts
from ari.usage.ports import Batch
from ari.usage.watch.expiring import DAYS
from tests.support.commands import clock_of, create_key
from tests.support.instances import START_MS, opened
from tests.support.usage import make_ai_use, make_row


def spend(instance: Instance, owner: RuleOwner, amount: int) -> None:
    row = make_row(charge=Charge((owner,), estimate=Estimate(Amounts(amount, 0), 1)))
    instance.database.usage.commit(Batch([row]))
    assert row.charge is not None
    assert row.charge.decision is not None
    use = make_ai_use(row.id, settlement=Settlement(row.charge.decision.held, Amounts(amount, 0)))
    instance.database.usage.commit(Batch(completions=[use]))


def test_a_finding_is_recorded_once_however_many_workers_scan(data_dir: Path) -> None:
    """A key in use that expires within days is an event, from which the owner's email is made."""
    with opened(data_dir, None) as instance:
        key = create_key(instance, expires_at_ms=START_MS + 20 * DAY_MS).key
        assert scan_once(instance) == []
        for _ in range(20):
            clock_of(instance).advance(DAY_MS / 1000)
            if clock_of(instance).now_ms() >= START_MS + 20 * DAY_MS:
                break
            instance.database.usage.commit(Batch([make_row(instance.now_ms(), key_id=key.id)]))
            scan_once(instance)
            assert scan_once(instance) == [], "another worker within the minute"
        names = [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(key.id, None, 50))]
        assert 1 <= names.count("key_expiring") <= len(DAYS)


def test_the_event_of_a_shared_budget_names_the_consumer(data_dir: Path) -> None:
    """The page and the email say whose budget it is, also after the consumer was deleted."""
    with opened(data_dir, None) as instance:
        consumer = Deps(instance).do_sync(keys.create_consumer, keys.NewConsumer("ana"))
        scan_once(instance)
        owner = RuleOwner(consumer.id, LimitRules(1, budgets=(Budget("monthly", 100),)), "consumer:")
        spend(instance, owner, 85)
        clock_of(instance).advance(60)
        [found] = scan_once(instance)
        named = (found.subject, found.detail["name"], found.detail["threshold"], found.detail["used_percent"])
        assert named == (consumer.id, "ana", 80, 85)


def test_a_budget_warning_is_recorded_once_even_if_the_process_dies(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits until it is recorded; if it is still there afterwards, it is only removed."""
    with opened(data_dir, None) as instance:
        key = create_key(instance).key
        scan_once(instance)
        owner = RuleOwner(key.id, LimitRules(1, budgets=(Budget("monthly", 100),)))
        row = make_row(key_id=key.id, charge=Charge((owner,), estimate=Estimate(Amounts(85, 0), 1)))
        instance.database.usage.commit(Batch([row]))
        assert row.charge is not None
        assert row.charge.decision is not None
        use = make_ai_use(row.id, settlement=Settlement(row.charge.decision.held, Amounts(85, 0)))
        instance.database.usage.commit(Batch(completions=[use]))
        waiting = instance.budget_warnings.read(9)
        with monkeypatch.context() as patched:
            patched.setattr(type(instance.budget_warnings), "remove", lambda *_: None)
            clock_of(instance).advance(60)
            assert [one.name for one in scan_once(instance)] == ["budget_threshold_reached"]
        assert instance.budget_warnings.read(9) == waiting
        clock_of(instance).advance(60)
        assert scan_once(instance) == []
        assert instance.budget_warnings.read(9) == []
        names = [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(key.id, None, 50))]
        assert names.count("budget_threshold_reached") == 1


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_budget_that_was_increased_in_time_causes_no_warning(data_dir: Path, *, is_shared: bool) -> None:
    """The watch looks up to a minute later. What is used of the raised budget is reported when it is reached."""
    with opened(data_dir, None) as instance:
        deps, given = Deps(instance), [{"name": "team", "amount_usd": "0.30", "period": "month"}]
        if is_shared:
            rules = deps.do_sync(set_budgets, given, None, []).instance
            owner = RuleOwner(INSTANCE_ID, rules, INSTANCE_PREFIX)
        else:
            consumer = deps.do_sync(keys.create_consumer, keys.NewConsumer("ana", budgets=given))
            owner = RuleOwner(consumer.id, consumer.policy.limits, "consumer:")
        scan_once(instance)
        spend(instance, owner, 290_000)
        if is_shared:
            raised = deps.do_sync(increase_shared_budget, None, "team", {"amount_usd": "50"}).instance
        else:
            changed = deps.do_sync(keys.increase_consumer_budget, owner.id, "team", {"amount_usd": "50"})
            raised = changed.policy.limits
        clock_of(instance).advance(60)
        assert scan_once(instance) == []
        assert instance.budget_warnings.read(9) == []
        spend(instance, RuleOwner(owner.id, raised, owner.prefix), 45_000_000)
        clock_of(instance).advance(60)
        [found] = scan_once(instance)
        assert (found.subject, found.detail["used_percent"], found.detail["limit_usd"]) == (owner.id, 90, "50.30")
