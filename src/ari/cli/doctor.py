"""``ari doctor``: configuration and health."""
# Imports inside functions here: start-up speed.

from typing import Annotated

import typer

from ari.cli import output
from ari.cli.instances import read_settings
from ari.cli.options import AsJson, DataDir


def doctor(
    audit: Annotated[bool, typer.Option("--audit", help="Also verify the audit log and the usage totals.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Show what the running processes do now, and what they wait for.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check configuration and health. Exits with 1 if something is wrong."""
    settings = read_settings(data_dir)
    if live:
        from ari.cli.live_view import show_live

        show_live(settings, as_json=as_json)
        return
    from ari.cli.checks import describe_settings, examine

    shown = describe_settings(settings)
    findings = examine(settings, audit=audit)
    healthy = all(finding.state != "wrong" for finding in findings)
    if as_json:
        checks = [{"check": one.check, "state": one.state, "said": one.message} for one in findings]
        output.as_json({"ok": healthy, "settings": shown, "checks": checks})
    else:
        output.say("Settings, from the environment of this command")
        output.facts([(f"  {name}", _format(value)) for name, value in shown.items()])
        output.say()
        output.say("Checks")
        marks = {"ok": "✓ ok", "note": "! note", "wrong": "✗ error"}
        output.facts([(f"  {marks[one.state]:<8}{one.check}", one.message) for one in findings])
    if not healthy:
        raise typer.Exit(1)


def _format(value: object) -> str:
    if value is None:
        return "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)
