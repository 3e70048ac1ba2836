"""Write the generated pages, or with ``--check`` fail when a page is stale.

``docs/reference`` comes from the program; the diagram in ``docs/explain/architecture.md`` from the import contracts;
``src/ari/client/generated`` from the OpenAPI document and the asynchronous client.
"""

import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
for name in [name for name in os.environ if name.startswith("ARI_") or name in ("ALLOWED_IPS", "RESEND_API_KEY")]:
    del os.environ[name]  # the reference shows defaults, not this machine's values

import api_pages
import client_code
from api_pages import table
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ari import server
from ari.base.events import EVENT_NAMES
from ari.base.file_settings import environment_name, file_fields, list_fields
from ari.base.settings import Settings, load_settings
from ari.cli.lazy_commands import load_all
from ari.cli.main import app
from ari.instance import Instance
from ari.integrations.providers import providers
from ari.keys.reasons import REASONS, REQUEST_ERRORS, Reason
from ari.webhooks.event_types import EVENT_TYPES, NAMES, list_groups

NOTE = "<!-- Written by docs/generate.py: edit the program, then run `make docs`. -->\n"


def settings_page() -> str:
    """Every setting with its default."""
    rows = [
        (f"`{_env_name(field, info)}`", _default(field, info), _sentence(info.description))
        for field, info in ((field, Settings.model_fields[field]) for field in list_fields(Settings))
    ]
    intro = (
        "Settings are environment variables. If a value is invalid, ARI doesn't start and names the setting. "
        "`ari doctor` shows the current settings."
    )
    given = [
        (f"`{name}`", words)
        for provider in providers().values()
        for name, words in (
            (provider.variable, f"{provider.title} API key."),
            (provider.base_url_variable, f"{provider.title} base URL."),
        )
        if name is not None
    ]
    about = (
        "Environment variables take precedence over keys and URLs stored in "
        "[Settings > Integrations](../guides/add-provider-keys.md#from-the-environment)."
    )
    keys = ("## Provider keys", about, table(("Name", "Meaning"), given))
    secrets = ", ".join(f"`{environment_name(field)}_FILE`" for field in file_fields(Settings))
    about = (
        f"A secret can be in a file, such as one that Docker, Kubernetes or systemd mounts: {secrets}, "
        "`ARI_MASTER_KEY_FILE`, and each API key of a provider, such as `OPENAI_API_KEY_FILE`, name the file with the "
        "value. See [Secrets from files](../guides/secrets-from-files.md)."
    )
    files = ("## Secrets from files", about)
    return _page("Settings", intro, table(("Name", "Default", "Meaning"), rows), *keys, *files)


def errors_page() -> str:
    """Every refusal and error of the HTTP API."""
    intro = (
        "Errors are `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `code` and "
        "`request_id`. Invalid input also has `errors`, one entry per field. "
        "`type` is the page of the code; `/errors` lists all."
    )
    verdicts = map(_reason, REASONS.values())
    faults = map(_reason, REQUEST_ERRORS.values())
    return _page("Errors", intro, "## Verdicts on an API key", *verdicts, "## Request errors", *faults)


def events_page() -> str:
    """Every event name in the audit log."""
    intro = (
        "Every change writes one event in the same transaction. Events are never changed, and each contains the hash "
        "of the previous one. Read them with `ari events` or `GET /api/events`; see "
        "[the audit log](../guides/audit-log.md). Events that strangers can cause without end are written a few times "
        "an hour for each subject and then counted: `counted` in an event's detail is the number of further events of "
        "this name since `since`."
    )
    rows = [(f"`{name}`", meaning) for name, meaning in EVENT_NAMES.items()]
    return _page("Events", intro, table(("Name", "Meaning"), rows))


def webhook_events_page() -> str:
    """Every type of event that webhooks send."""
    intro = (
        "The `type` of a webhook's message, in groups. `key.*` in a webhook's events covers its group. `data` has "
        "the fields of the audit log; its `name` is in [the list of events](events.md), with what `detail` holds. See "
        "[the guide](../guides/webhooks.md) for the message, its signature and what can change."
    )
    parts = [part for group in list_groups() for part in (f"## {group}", _table_of_types(group))]
    return _page("Types of webhook events", intro, *parts)


def _table_of_types(group: str) -> str:
    rows = [(f"`{one}`", f"`{NAMES[one]}`", says) for one, says in EVENT_TYPES.items() if one.startswith(f"{group}.")]
    return table(("Type", "Name in the audit log", "Meaning"), rows)


def cli_page() -> str:
    """Every command with its arguments and options."""
    intro = (
        "Commands work on the data directory, whether or not the server is running, and act as the operating system's "
        "user. At a terminal they print tables, with times in your time zone; piped, tab-separated lines; with "
        "`--json`, JSON. Times in pipes and JSON are RFC 3339. On failure, commands print one sentence on standard "
        "error and exit with 1; an invalid option exits with 2. Destructive commands ask first. Without a terminal "
        "they fail unless you pass `--yes`."
    )
    return _page("Command line", intro, *_commands(load_all(app), "ari"))


def api_page() -> str:
    """Every route, from the OpenAPI document."""
    return _page("HTTP API", *api_pages.sections(make_document()))


@cache
def make_document() -> dict[str, Any]:
    """The OpenAPI document."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        instance = Instance.open(load_settings(data_dir=data_dir), migrate=True)
        try:
            app: Any = server.build_app(instance).app
            document: dict[str, Any] = app.state.description.make()
        finally:
            instance.close()
    return document


ARCHITECTURE = "explain/architecture.md"
DIAGRAM_START, DIAGRAM_END = "<!-- diagram: written by docs/generate.py from pyproject.toml -->\n", "<!-- /diagram -->"


def architecture_page() -> str:
    """The page with its diagram of the import layers replaced."""
    head, rest = (HERE / ARCHITECTURE).read_text(encoding="utf-8").split(DIAGRAM_START)
    return head + DIAGRAM_START + _layers_diagram() + DIAGRAM_END + rest.partition(DIAGRAM_END)[2]


def _layers_diagram() -> str:
    """A Mermaid flowchart of the layers contract: each box imports only from the boxes below it."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    lines = ["```mermaid", "flowchart TD"]
    for number, layer in enumerate(contract["layers"]):
        names = [name.strip(" ()") for name in layer.split("|")]
        packages = [name for name in names if find_spec(f"ari.{name}")]
        lines.append(f'  layer{number}["{" · ".join(packages)}"]')
    lines += [f"  layer{number} --> layer{number + 1}" for number in range(len(contract["layers"]) - 1)]
    return "\n".join([*lines, "```\n"])


CLIENT = "../src/ari/client"

PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli_page,
    "reference/settings.md": settings_page,
    "reference/errors.md": errors_page,
    "reference/events.md": events_page,
    "reference/webhook-events.md": webhook_events_page,
    "reference/api.md": api_page,
    ARCHITECTURE: architecture_page,
    f"{CLIENT}/generated/models.py": lambda: client_code.make_models(make_document()),
    f"{CLIENT}/generated/async_resources.py": lambda: client_code.make_async_resources(make_document()),
    f"{CLIENT}/generated/sync_resources.py": lambda: client_code.make_sync_resources(make_document()),
    f"{CLIENT}/generated/sync_calls.py": lambda: client_code.make_sync_from(HERE / CLIENT / "async_calls.py"),
    f"{CLIENT}/generated/sync_client.py": lambda: client_code.make_sync_from(HERE / CLIENT / "async_client.py"),
}


def main(check: bool) -> int:
    """Write the pages, or with ``check`` print the stale ones. Returns the exit status."""
    stale = []
    for file, make in PAGES.items():
        path, text = HERE / file, make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(file)
        if not check:
            path.write_text(text)
    if check and stale:
        print(f"Stale: {', '.join(stale)}; run: make docs")
        return 1
    return 0


def _page(title: str, *parts: str) -> str:
    return NOTE + "\n\n".join((f"# {title}", *parts)) + "\n"


def _reason(reason: Reason) -> str:
    return f"### {reason.code}\n\n{reason.status} · {reason.title}. {reason.sentence}"


def _env_name(field: str, info: FieldInfo) -> str:
    choices = getattr(info.validation_alias, "choices", None)
    return "` or `".join(name for name in choices if name.isupper()) if choices else f"ARI_{field.upper()}"


def _default(field: str, info: FieldInfo) -> str:
    if field == "data_dir":
        return "the platform's"
    value = info.default
    if value is None or value == () or isinstance(value, SecretStr):
        return "unset"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _sentence(text: str | None) -> str:
    assert text, "every setting needs a description"
    return text[0].upper() + text[1:]


def _commands(command: Any, name: str) -> Iterator[str]:
    listed: dict[str, Any] = getattr(command, "commands", {})
    options = [one for one in command.params if one.name != "help"]
    if not listed or options:
        yield f"## {name}"
        if command.help:
            yield command.help.strip()
        yield f"```\n{_usage(command, name)}\n```"
        if options:
            yield table(("Name", "Meaning"), [(_parameter(one), _parameter_help(one)) for one in options])
    for sub, nested in listed.items():
        yield from _commands(nested, f"{name} {sub}")


def _usage(command: Any, name: str) -> str:
    arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    group = "COMMAND" if getattr(command, "commands", None) else ""
    return " ".join(filter(None, (name, *arguments, "[OPTIONS]", group)))


def _argument(parameter: Any) -> str:
    name: str = parameter.metavar or parameter.name.upper()
    return name.strip("[]")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or 'TEXT'}"
    return ", ".join(f"`{name}{value}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _parameter_help(parameter: Any) -> str:
    said = getattr(parameter, "help", None) or ""
    default = parameter.default
    shown = parameter.show_default if isinstance(getattr(parameter, "show_default", None), str) else None
    if shown is None and isinstance(default, int | str) and not isinstance(default, bool):
        shown = str(default)
    needed = "Required. " if parameter.required and parameter.param_type_name == "option" else ""
    return f"{needed}{said}" + (f" Default: `{shown}`." if shown else "")


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
