"""The checks of ``ari doctor``. Secrets are shown only as set or unset."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from ari.backups.state import read_state
from ari.base.clock import system_clock
from ari.base.environment import kubernetes_variables, kubernetes_words, unknown_variables
from ari.base.errors import AriError, for_operator
from ari.base.file_settings import list_fields
from ari.base.messages import EMAIL_IS_OFF
from ari.base.seal import Sealed, open_one
from ari.base.settings import Settings, environment_name
from ari.cli import output
from ari.cli.backup_check import check_backups
from ari.cli.copy_checks import check_copies
from ari.cli.finding import Finding
from ari.cli.log_checks import check_log
from ari.cli.server_check import check_server
from ari.cli.webhook_checks import check_webhooks
from ari.instance import SLOW_SECONDS
from ari.integrations.checks import is_private
from ari.integrations.credentials import states
from ari.integrations.environment import read_environment
from ari.integrations.model import State
from ari.outbound.mail import mail_config_of
from ari.serving.os_limits import reachable_files
from ari.storage import checkup
from ari.storage.data_dir import prepare_data_dir
from ari.storage.database_url import parse
from ari.storage.engine import KEYS_FILE, Database, master_keys_of

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
    """All findings. Checks that depend on something broken are skipped."""
    findings = list(_surroundings(settings))
    directory = _directory(settings)
    findings.insert(0, directory)
    if directory.state == "wrong":
        return findings
    try:
        database = Database.open(settings)
    except AriError as error:
        return [*findings, Finding("database", "wrong", str(error))]
    database.watch(SLOW_SECONDS)
    try:
        findings += _database(database, settings, audit=audit)
    except AriError as error:
        findings.append(Finding("database", "wrong", for_operator(error)))
    finally:
        database.close()
    return findings


def _directory(settings: Settings) -> Finding:
    path = settings.data_dir
    try:
        if not path.exists():
            return Finding("data directory", "wrong", f"{path} doesn't exist yet. Run ari serve to create it.")
        prepare_data_dir(settings)
        if settings.database_url is None and not (path / KEYS_FILE).exists():
            return Finding("data directory", "wrong", f"{path} has no database yet. Run ari serve to create it.")
    except (AriError, OSError) as error:
        said = str(error) if isinstance(error, AriError) else f"Can't read {path}: {error.strerror}."
        return Finding("data directory", "wrong", said)
    by_group = settings.data_dir_access == "group"
    loose = checkup.readable_by_others(path, by_group=by_group)
    if loose:
        return Finding(
            "data directory", "wrong", f"{', '.join(loose)} in {path} are readable by other users. Run: chmod 600"
        )
    closed = "closed to others than its group" if by_group else "private"
    return Finding("data directory", "ok", f"{path} is writable and {closed}")


def _surroundings(settings: Settings) -> Iterator[Finding]:
    yield check_server(settings)
    yield _variables()
    yield _disk(settings)
    yield _open_files()
    yield _address(settings)
    yield _mail(settings)
    if settings.test_clock_file is not None:
        yield Finding("clock", "note", "ARI_TEST_CLOCK_FILE shifts the clock. Use it for tests only.")


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


def _database(database: Database, settings: Settings, *, audit: bool) -> Iterator[Finding]:
    if database.server is not None:
        how = "through a pooler" if database.server.pooled else "without a pooler"
        yield Finding("database server", "ok", f"{database.server.version}, {how}, schema {database.server.schema}")
    migrated = True
    for at in checkup.migrations(database):
        current = at.found == at.wanted
        migrated = migrated and current
        wanted = "" if current else f", but this version needs {at.wanted}. Run: ari migrate"
        yield Finding("migrations", "ok" if current else "wrong", f"{at.chain} {at.found or 'none'}{wanted}")
    if not migrated:
        return
    yield _try("database", lambda: checkup.try_writing(database), "reachable and writable")
    yield _try("verification", lambda: checkup.try_verifying(database), "the key store and the usage log respond")
    damage = checkup.damage(database, audit)
    if damage is not None:
        yield Finding("database files", "wrong", f"damaged: {damage}")
    with database.reading() as tx:
        owner, sealed = tx.accounts.owner(), tx.sealed.all()
        webhooks, (waiting, _) = tx.webhooks.all(), tx.deliveries.count_open()
    if owner is None:
        yield Finding("owner", "note", "There is no owner yet. Run ari serve to get the setup link.")
    else:
        yield Finding("owner", "ok", owner.email)
    yield _seals(sealed, settings)
    yield _integrations(database, settings)
    yield check_webhooks(webhooks, waiting)
    yield from check_log(database, settings)
    with database.reading() as tx:
        yield check_backups(settings, read_state(tx))
    if database.shared:
        yield _standbys(database, settings)
        found = checkup.partitions(database)
        yield Finding("log partitions", "ok" if found.is_fine else "note", found.words)
    yield from check_copies(database, settings, system_clock(settings.test_clock_file).now_ms())
    yield _clock(database)
    if audit:
        yield _sums(database)
        yield _trail(database)


def _try(check: str, attempt: Callable[[], None], fine: str) -> Finding:
    try:
        attempt()
    except AriError as error:
        return Finding(check, "wrong", for_operator(error))
    return Finding(check, "ok", fine)


def _seals(sealed: list[Sealed], settings: Settings) -> Finding:
    check, keys = "encrypted secrets", master_keys_of(settings)
    try:
        present = keys.all()
        for one in sealed:
            open_one(keys, one)
    except AriError as error:
        return Finding(check, "wrong", str(error))
    if not sealed:
        return Finding(check, "ok", "none yet" + ("" if present else " (the master key is created with the first one)"))
    said = f"{len(sealed)}, all decrypted with the master key in {keys.place}"
    if any(one.key_id != present[0].id for one in sealed):
        return Finding(check, "note", f"{said}, some with an older one. Run: ari master-key rotate")
    return Finding(check, "ok", said)


def _integrations(database: Database, settings: Settings) -> Finding:
    """Whether each configured provider has a key for its base URL. ``_seals`` checks that the keys decrypt."""
    check = "integrations"
    try:
        environment = read_environment(os.environ).allow_addresses(settings.ai_private_addresses)
    except AriError as error:
        return Finding(check, "wrong", str(error))
    with database.reading() as tx:
        found = [one for one in states(tx, environment) if one.name != "not_configured" or one.problem]
    if not found:
        return Finding(check, "ok", "none configured")
    broken = next((one.problem for one in found if one.problem), None)
    if broken is not None:
        return Finding(check, "wrong", broken)
    said = ", ".join(_describe_provider(one) for one in found)
    if any(one.name == "failing" or _count_rejected(one) or _in_the_clear(one) for one in found):
        return Finding(check, "note", said)
    return Finding(check, "ok", said)


def _describe_provider(state: State) -> str:
    said = state.provider.name
    if state.source == "environment":
        said += f" ({state.provider.variable})"
    if state.name == "failing":
        said += " (failing)"
    elif _count_rejected(state):
        said += f" ({_count_rejected(state)} of {len(state.keys)} keys rejected)"
    return f"{said} (its key is sent unencrypted: {state.base_url})" if _in_the_clear(state) else said


def _count_rejected(state: State) -> int:
    """The number of stored keys that the provider refuses; of a key that rests, only the server's processes know."""
    return sum(key.failing_since_ms is not None for key in state.keys) if state.source == "stored" else 0


def _in_the_clear(state: State) -> bool:
    """Whether a key leaves this machine without TLS."""
    parts = urlsplit(state.base_url or "")
    host = parts.hostname or ""
    loopback = host == "localhost" or (is_private(host) and host.startswith(("127.", "::1")))
    return parts.scheme == "http" and state.source is not None and not loopback


def _standbys(database: Database, settings: Settings) -> Finding:
    state = checkup.standbys(database)
    if settings.database_sync == "required" and state.nobody_confirms:
        return Finding("standbys", "wrong", f"Changes are refused because of ARI_DATABASE_SYNC=required. {state.words}")
    return Finding("standbys", "note" if state.warning else "ok", state.words)


def _clock(database: Database) -> Finding:
    steps = checkup.clock_steps(database)
    if steps.latest_at_ms is None:
        return Finding("clock steps", "ok", "none seen")
    said = f"{steps.count} of more than five minutes, the last at {output.moment(steps.latest_at_ms)}"
    return Finding("clock steps", "note", said)


def _sums(database: Database) -> Finding:
    uneven = checkup.uneven_sums(database)
    if uneven is None:
        return Finding("usage sums", "ok", "totals and rollups agree")
    return Finding("usage sums", "wrong", f"The {uneven} don't add up to the key totals.")


def _trail(database: Database) -> Finding:
    check, audit_log = "audit log", checkup.check_audit_log(database)
    broken = audit_log.broken
    if broken is not None:
        said = f"broken at event {broken.position} ({broken.event_id}, {output.moment(broken.at_ms)})"
        return Finding(check, "wrong", f"{said}. It or an earlier event was changed or removed.")
    said = f"{output.count(audit_log.walked, 'event')}, hash chain intact"
    if audit_log.removed:
        said += f"; retention removed {output.count(audit_log.removed, 'earlier event')}, up to a signed cut"
    if audit_log.fault is not None:
        return Finding(check, "wrong", f"{said}, but {audit_log.fault}. Once you know why, run: ari audit accept")
    if audit_log.head is None:
        return Finding(check, "ok", said)
    signed = f"head signed by {audit_log.head.instance} with key {audit_log.fingerprint}"
    if audit_log.head.accepted > audit_log.removed:  # an upgrade, an untrusted restore, or ari audit accept
        found = f"the first {audit_log.head.accepted - audit_log.removed:,} were signed later, not when written"
        return Finding(check, "note", f"{said}; {signed}; {found}")
    return Finding(check, "ok", f"{said}; {signed}")
