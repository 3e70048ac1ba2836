"""The life of webhooks at the command line, which two ways to reach an instance are compared by."""

import shlex

from tests.support.cli_life import Place

_ADD = """
webhooks add Receiver https://hooks.invalid/hook --event key.revoked
webhooks add Chat https://hooks.invalid/chat --event scope.removed --format slack --json
webhooks add Notes https://hooks.invalid/notes --event scope.removed --format ntfy
"""
_CHANGE = """
webhooks list
webhooks list --json
webhooks show {receiver}
webhooks set {receiver} --name Tickets --event consumer.limits_reset
webhooks set {receiver} --off --json
webhooks set {receiver} --on
webhooks set {receiver} --url https://other.invalid/hook
webhooks rotate-secret {receiver}
webhooks rotate-secret {receiver} --retire-old-now --json
webhooks show {receiver} --json
webhooks deliveries {receiver}
webhooks replay {receiver} --failed --since 24h
webhooks replay {receiver} --failed --json
webhooks test {receiver}
"""
WEBHOOK_MISTAKES = """
webhooks add "" ftp://nothing --event nothing.at_all --json
webhooks add x https://user:pass@hooks.invalid/ --format slack
webhooks show whk_none
webhooks rotate-secret {chat}
webhooks replay {receiver} msg_none
webhooks replay {receiver}
webhooks set {receiver} --url http://hooks.invalid/
webhooks set {receiver} --on --off
"""
_REMOVE = """
webhooks delete {receiver} --yes
webhooks delete {chat} --yes
webhooks delete {notes} --yes
"""
WEBHOOKS = f"{_ADD}{_CHANGE}{WEBHOOK_MISTAKES}{_REMOVE}"


def run_webhooks(place: Place) -> list[tuple[str, tuple[int, str, str]]]:
    """The output of each command of ``WEBHOOKS``; it ends without webhooks, as it began."""
    said, names = [], dict[str, str]()
    for part in (_ADD, _CHANGE, WEBHOOK_MISTAKES, _REMOVE):
        lines = part.strip().splitlines()
        said += [(line, place.run(shlex.split(line.format(**names)))) for line in lines]
        if part is _ADD:
            names = {hook["name"].lower(): hook["id"] for hook in place.json("webhooks", "list")["items"]}
    return said
