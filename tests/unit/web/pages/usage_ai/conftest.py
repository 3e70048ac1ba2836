"""AI requests of two keys, one of which has a consumer."""

from dataclasses import dataclass

import pytest

from ari import keys
from ari.base.clock import MINUTE_MS
from ari.deps import Deps
from ari.integrations.ai_rules.change_budgets import get_budgets, set_budgets
from ari.keys import NewConsumer
from ari.keys.limits.charge import Charge, Estimate
from ari.keys.limits.spending import Amounts
from ari.keys.model import ApiKey
from ari.usage.ports import Batch
from tests.support.commands import create_key
from tests.support.page_client import PageClient
from tests.support.usage import make_ai_use, make_row

MONTHLY = {"name": "monthly", "amount_usd": "25.00", "period": "month"}


@dataclass(frozen=True, slots=True)
class Spenders:
    """The keys that sent requests, and the browser of their owner."""

    browser: PageClient
    ada: ApiKey
    robot: ApiKey

    def use(self, key: ApiKey, provider: str, model: str, cost_micros: int | None) -> None:
        """A request with this key to a provider."""
        now_ms = self.browser.instance.now_ms()
        row = make_row(now_ms, key_id=key.id, key_hint=key.hint, path=f"/api/ai/{provider}/v1/chat/completions")
        use = make_ai_use(row.id, at_ms=now_ms, key_id=key.id, provider=provider, model=model, cost_micros=cost_micros)
        self.browser.instance.database.usage.commit(Batch([row], completions=[use]))

    def reserve(self, key: ApiKey, money: int, provider: str = "openai") -> None:
        """A request that has reserved this amount from every budget that binds it."""
        owners = (*key.spending_owners, *self.browser.read(get_budgets).list_owners(provider))
        charge = Charge(owners, estimate=Estimate(Amounts(money, 10), 10 * MINUTE_MS))
        row = make_row(self.browser.instance.now_ms(), key_id=key.id, key_hint=key.hint, charge=charge)
        unknown = dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens", "provider_status"))
        row.ai = make_ai_use(row.id, key_id=key.id, ended="refused", **unknown)
        self.browser.instance.database.usage.commit(Batch([row]))


@pytest.fixture
def spenders(browser: PageClient) -> Spenders:
    """Ada belongs to the consumer Acme; both keys, Acme, the instance and OpenAI have budgets."""
    deps = Deps(browser.instance)
    deps.do_sync(keys.create_consumer, NewConsumer("Acme <b>", "acme", budgets=[MONTHLY | {"name": "team"}]))
    deps.do_sync(set_budgets, [MONTHLY | {"name": "company"}], {"openai": [MONTHLY]}, ["openai"])
    ada = create_key(browser.instance, "Ada", consumer="acme", budgets=[MONTHLY]).key
    return Spenders(browser, ada, create_key(browser.instance, "=Robot", budgets=[MONTHLY]).key)
