"""A young instance with providers and email, all of them stand-ins on loopback: for the pictures of those pages."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import providers, resend
from tests.support.owner import Owner, start_owner
from tests.support.server import ServerProcess

OPENAI_KEY = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7"
ANTHROPIC_KEY = "sk-ant-api03-Lm4Nb8Vc2Xz6As1Df5Gh9Jk3Qw7Er0Ty4Ui8x81A"
GROQ_KEY = "gsk_Zx7Cv0Bn4Mq8Wp2Er6Ty1Ui5Op9As3Df7Gh0B4mQ"
NOBODY = "http://127.0.0.1:9"
MAIL_SECONDS = 60


@contextmanager
def instance() -> Iterator[Owner]:
    """One provider that is used, one that fails, one of the environment; sent emails, and an unsent one."""
    with (
        providers.stand_in(OPENAI_KEY) as provider,
        resend.stand_in() as mail,
        tempfile.TemporaryDirectory(prefix="ari-outside-") as folder,
    ):
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        settings = {
            "GROQ_API_KEY": GROQ_KEY,
            "RESEND_API_KEY": resend.KEY,
            "ARI_RESEND_URL": mail.url,
            "ARI_MAIL_FROM": "ARI <ari@example.net>",
        }
        server = ServerProcess(data, settings=settings)
        server.settings["ARI_PUBLIC_URL"] = server.url
        owner = start_owner(server)
        try:
            terraform = owner.create_key("Terraform", scopes=["integrations:write", "notifications:write"])[1]
            _set_up(owner, terraform, provider.url)
            _use(owner)
            _show_emails(owner, terraform, mail)
            yield owner
        finally:
            owner.close()
            server.kill()


def _set_up(owner: Owner, key: str, openai: str) -> None:
    terraform = owner.api(key)
    for name, given in (
        ("openai", {"key": OPENAI_KEY, "base_url": openai}),
        ("anthropic", {"key": ANTHROPIC_KEY}),
        ("ollama", {"base_url": NOBODY}),
    ):
        answer = terraform.put(f"/api/integrations/{name}", json=given)
        assert answer.status_code == 200, answer.text
    for name in ("openai", "ollama"):
        assert terraform.post(f"/api/integrations/{name}/test").status_code == 200


def _use(owner: Owner) -> None:
    program = owner.api(owner.create_key("Support assistant", scopes=["ai:openai"])[1])
    for model in (*["gpt-5.2"] * 6, "429"):
        asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        program.post("/api/ai/openai/v1/chat/completions", json=asked)


def _show_emails(owner: Owner, key_of_tester: str, mail: resend.StandIn) -> None:
    """Some notices of each outcome, then the test."""
    key, _ = owner.create_key("Contractor laptop", expires="30d", scopes=["keys:read"])
    owner.cli("notifications", "off", "key_widened", check=True)
    owner.cli("keys", "scopes", key["id"], "--scope", "keys:read", "--scope", "usage:read", check=True)
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    wanted = "“Contractor laptop” was revoked"
    ends = time.monotonic() + MAIL_SECONDS
    while not any(wanted in one.fields["subject"] for one in mail.taken):
        assert time.monotonic() < ends, [one.fields["subject"] for one in mail.taken]
        time.sleep(0.2)
    assert owner.api(key_of_tester).post("/api/notifications/test").json()["sent"]
