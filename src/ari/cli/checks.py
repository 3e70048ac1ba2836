"""The checks of ``ari doctor``. Secrets are shown only as set or unset."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr

from ari.base.environment import kubernetes_variables, kubernetes_words, unknown_variables
from ari.base.errors import AriError
from ari.base.file_settings import list_fields
from ari.base.messages import EMAIL_IS_OFF
from ari.base.settings import Settings, environment_name
from ari.cli.check_run import Check, describe_failure, run_checks, skip
from ari.cli.database_checks import check_database
from ari.cli.directory_check import check_directory, find_obstacle
from ari.cli.finding import Finding
from ari.cli.server_check import check_server
from ari.instance import SLOW_SECONDS
from ari.outbound.mail import mail_config_of
from ari.serving.os_limits import reachable_files
from ari.storage.database_url import parse
from ari.storage.engine import Database

_FILES_WANTED = 8192
"""2,000 idle and 2,000 half-sent connections, as many again for other clients, and a margin."""


def describe_settings(settings: Settings) -> dict[str, Any]:
    """Every setting by its environment name; ``None`` = unset. One for tests is listed only if it is set."""
    found = {field: getattr(settings, field) for field in list_fields(type(settings))}
    if found["test_clock_file"] is None:
        del found["test_clock_file"]
    return {environment_name(field): _format_setting(field, value) for field, value in found.items()}


def _format_setting(field: str, value: object) -> Any:
    if isinstance(value, SecretStr):
        return mask_url(value.get_secret_value()) if field == "database_url" else "set"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def mask_url(url: str) -> str:
    """The database's address without user, password and options (security.md 10)."""
    try:
        return parse(url).mask()
    except (AriError, ImportError):
        return "set"


def examine(settings: Settings, *, audit: bool) -> list[Finding]:
    """All findings. What can't be checked is a finding, too."""
    findings = run_checks([("data directory", lambda: [check_directory(settings)]), *_list_surroundings(settings)])
    if find_obstacle(settings) is not None:
        return [*findings, skip(["everything in the database"], "fix the data directory first")]
    try:
        database = Database.open(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, the findings until here must be shown
        opened = Finding("database", "wrong", describe_failure(error))
        return [*findings, opened, skip(["everything in the database"], "it can't be opened")]
    database.watch(SLOW_SECONDS)
    try:
        return [*findings, *check_database(database, settings, audit=audit)]
    finally:
        database.close()


def _list_surroundings(settings: Settings) -> Iterator[Check]:
    yield "server", lambda: [check_server(settings)]
    yield "variables", lambda: [_variables()]
    yield "disk", lambda: [_disk(settings)]
    yield "open-file limit", lambda: [_open_files()]
    yield "public URL", lambda: [_address(settings)]
    yield "email", lambda: [_mail(settings)]
    if settings.test_clock_file is not None:
        said = "ARI_TEST_CLOCK_FILE shifts the clock. Use it for tests only."
        yield "clock", lambda: [Finding("clock", "note", said)]


def _variables() -> Finding:
    found = [one.words for one in unknown_variables(os.environ)]
    foreign = kubernetes_variables(os.environ)
    if foreign:
        found.append(kubernetes_words(foreign))
    return Finding("variables", "note" if found else "ok", " ".join(found) or "every ARI_… variable is a known setting")


def _open_files() -> Finding:
    files = reachable_files()
    if files < _FILES_WANTED:
        said = f"{files}. Each connection uses one, and slow clients alone may use 4,000. Raise it to {_FILES_WANTED}"
        return Finding("open-file limit", "note", f"{said} (ulimit -Hn, or LimitNOFILE= in systemd).")
    return Finding("open-file limit", "ok", f"{files} per worker")


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("disk", "note", f"Can't check {place}: {error.strerror}.")
    said = f"{free // 1_000_000:,} MB free"
    if free < settings.min_free_disk:
        return Finding(
            "disk", "wrong", f"{said}, below ARI_MIN_FREE_DISK. Refused requests are counted but not listed."
        )
    return Finding("disk", "ok", said)


def _address(settings: Settings) -> Finding:
    if settings.secure:
        return Finding("public URL", "ok", f"{settings.base_url}, with Secure cookies and HSTS")
    if settings.loopback_only and settings.public_url is None:
        return Finding("public URL", "ok", f"{settings.base_url}, reachable from this machine only")
    return Finding("public URL", "note", f"{settings.base_url} is plain http. Keys and passwords are sent unencrypted.")


def _mail(settings: Settings) -> Finding:
    config = mail_config_of(settings)
    if not config.can_send:
        return Finding("email", "ok", EMAIL_IS_OFF)
    said = f"sent with {config.sender} from {config.mail_from}. Test it: ari notifications test"
    if not config.can_link:
        return Finding("email", "note", f"{said}. Emails have no links until you set ARI_PUBLIC_URL.")
    return Finding("email", "ok", said)
