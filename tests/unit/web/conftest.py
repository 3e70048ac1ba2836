"""The pages in this process: a visitor's browser, and the owner's, on an instance of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.accounts import totp, two_factor
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from tests.support.instances import opened
from tests.support.page_client import ACCOUNT_ID, HOST, PageClient, add_owner, page_client


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    """A migrated instance on SQLite without an owner."""
    with opened(data_dir, None) as found:
        yield found


@pytest.fixture
def first_visitor(instance: Instance) -> Iterator[PageClient]:
    """A browser without a session, on an instance without an owner."""
    with page_client(instance) as found:
        yield found


@pytest.fixture
def visitor(first_visitor: PageClient) -> PageClient:
    """A browser without a session, on an instance that has an owner."""
    add_owner(first_visitor.instance)
    return first_visitor


@pytest.fixture
def browser(visitor: PageClient) -> PageClient:
    """The owner's browser, signed in."""
    return visitor.sign_in()


@pytest.fixture
def mailing_visitor(data_dir: Path) -> Iterator[PageClient]:
    """A browser without a session, on an instance without an owner that can email links; nothing is sent."""
    sending = {"resend_api_key": f"re_{'A1b2' * 6}", "mail_from": "ARI <ari@example.net>"}
    with opened(data_dir, None, public_url=f"http://{HOST}", **sending) as found, page_client(found) as browser:
        yield browser


@pytest.fixture
def app_secret(visitor: PageClient) -> bytes:
    """The secret of the owner's authenticator app, whose code of a moment ago turned two-factor on."""
    text = totp.new_secret()
    secret = totp.secret_bytes(text)
    assert secret is not None
    owner = Deps(visitor.instance, Caller(ACCOUNT_ID, Origin("web")))
    before = totp.code_at(secret, totp.step_at(visitor.instance.now_ms()) - 1)
    owner.do_sync(two_factor.turn_on, text, before)
    return secret
