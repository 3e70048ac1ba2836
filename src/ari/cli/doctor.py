"""``ari doctor``: configuration and health."""
# Imports inside functions here: start-up speed.

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ari.cli import output
from ari.cli.instances import read_settings
from ari.cli.options import AsJson, DataDir

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.cli.finding import Finding

_MARKS = {"ok": "✓ ok", "note": "! note", "wrong": "✗ error"}


def doctor(
    audit: Annotated[bool, typer.Option("--audit", help="Also verify the audit log and the usage totals.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Show what the running processes do now, and what they wait for.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each check and every setting.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check configuration and health: a line for each area that is well, and everything else.

    Exits with 1 if something is wrong.
    """
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
        checks = [{"check": one.check, "state": one.state, "message": one.message} for one in findings]
        output.as_json({"ok": healthy, "settings": shown, "checks": checks})
    else:
        _show_settings(settings, shown, verbose=verbose)
        _show_checks(findings, verbose=verbose)
    if not healthy:
        raise typer.Exit(1)


def _show_settings(settings: "Settings", shown: dict[str, Any], *, verbose: bool) -> None:
    from ari.base.settings import environment_name

    listed = shown if verbose else {name: shown[name] for name in map(environment_name, settings.model_fields_set)}
    output.say("Settings, from the environment of this command")
    output.facts([(f"  {name}", _format(value)) for name, value in shown.items() if name in listed])
    if not verbose:
        output.say("  All others have their default." if listed else "  None is set: all have their default.")
    output.say()


def _show_checks(findings: "Sequence[Finding]", *, verbose: bool) -> None:
    from ari.cli.check_areas import summarize

    output.say("Checks")
    listed = findings if verbose else list(summarize(findings))
    output.facts([(f"  {_MARKS[one.state]:<8}{one.check}", one.message) for one in listed])
    if verbose:
        return
    unwell = sum(one.state != "ok" for one in findings)
    result = "all are well" if not unwell else f"{output.count(unwell, 'check')} to look at"
    output.say()
    output.say(f"{output.count(len(findings), 'check')}, {result}. ari doctor --verbose shows each, and every setting.")


def _format(value: object) -> str:
    if value is None:
        return "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)
