"""The checks of ``ari doctor`` of what is in the database."""

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ari.backups.state import read_state
from ari.base.clock import system_clock
from ari.base.errors import AriError
from ari.base.seal import open_one
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.backup_check import check_backups, check_restored
from ari.cli.check_run import Check, run_checks, skip
from ari.cli.copy_checks import check_copies
from ari.cli.finding import Finding
from ari.cli.log_checks import list_log_checks
from ari.cli.webhook_checks import check_webhooks
from ari.integrations.checks import is_private
from ari.integrations.credentials import states
from ari.integrations.environment import read_environment
from ari.integrations.model import State
from ari.keys.restored_keys import read_restored
from ari.storage import checkup
from ari.storage.engine import Database, master_keys_of


def check_database(database: Database, settings: Settings, *, audit: bool) -> list[Finding]:
    """All findings. Without current migrations, nothing else is checked."""
    first = [("database server", lambda: _server(database)), ("database", lambda: _migrations(database))]
    findings = run_checks(first)
    if any(one.state == "wrong" for one in findings):
        return [*findings, skip(["everything else in the database"], "fix the errors above first")]
    tables = run_checks([("tables", lambda: _tables(database))])
    if any(one.state == "wrong" for one in tables):
        return [*findings, *tables, skip(["everything else in the database"], "fix the error above first")]
    checks = [*_list_checks(database, settings, thorough=audit), *_list_log_checks(database, settings)]
    if audit:
        checks += [("usage sums", lambda: [_sums(database)]), ("audit log", lambda: [_trail(database)])]
    return [*findings, *run_checks(checks)]


def _list_checks(database: Database, settings: Settings, *, thorough: bool) -> Iterator[Check]:
    yield "database", lambda: _try("database", lambda: checkup.try_writing(database), "reachable and writable")
    fine = "the key store and the usage log respond"
    yield "verification", lambda: _try("verification", lambda: checkup.try_verifying(database), fine)
    yield "database files", lambda: _damage(database, thorough=thorough)
    yield "audit log head", lambda: _witness(database)
    yield "owner", lambda: _owner(database)
    yield "encrypted secrets", lambda: [_seals(database, settings)]
    yield "integrations", lambda: [_integrations(database, settings)]
    yield "webhooks", lambda: _webhooks(database)


def _list_log_checks(database: Database, settings: Settings) -> Iterator[Check]:
    yield from list_log_checks(database, settings)
    yield "backups", lambda: _backups(database, settings)
    yield "restored keys", lambda: _look_for_restored(database)
    if database.shared:
        yield "standbys", lambda: [_standbys(database, settings)]
        yield "log partitions", lambda: _partitions(database)
    now_ms = system_clock(settings.test_clock_file).now_ms
    yield "audit log copies", lambda: check_copies(database, settings, now_ms())
    yield "clock steps", lambda: [_clock(database)]


def _server(database: Database) -> Iterator[Finding]:
    if database.server is not None:
        how = "through a pooler" if database.server.pooled else "without a pooler"
        yield Finding("database server", "ok", f"{database.server.version}, {how}, schema {database.server.schema}")


def _migrations(database: Database) -> Iterator[Finding]:
    for at in checkup.migrations(database):
        current = at.found == at.wanted
        wanted = "" if current else f", but this version needs {at.wanted}. Run: ari migrate"
        yield Finding("migrations", "ok" if current else "wrong", f"{at.chain} {at.found or 'none'}{wanted}")


def _tables(database: Database) -> Iterator[Finding]:
    if missing := checkup.list_missing_tables(database):
        are = "table is" if len(missing) == 1 else "tables are"
        said = f"{len(missing)} {are} missing: {', '.join(missing)}. Another program removed what ARI needs. Restore"
        yield Finding("tables", "wrong", f"{said} the database from a backup.")


def _try(check: str, attempt: Callable[[], None], fine: str) -> Iterator[Finding]:
    attempt()
    yield Finding(check, "ok", fine)


def _damage(database: Database, *, thorough: bool) -> Iterator[Finding]:
    damage = checkup.damage(database, thorough)
    if damage is not None:
        yield Finding("database files", "wrong", f"damaged: {damage}")


def _witness(database: Database) -> Iterator[Finding]:
    fault = database.witness.find_fault()
    if fault is not None:
        said = "Without the last signed head, ARI can't notice that an older copy replaced the database."
        yield Finding("audit log head", "wrong", f"{fault} {said}")


def _owner(database: Database) -> Iterator[Finding]:
    with database.reading() as tx:
        owner = tx.accounts.owner()
    if owner is None:
        yield Finding("owner", "note", "There is no owner yet. Run ari serve to get the setup link.")
    else:
        yield Finding("owner", "ok", owner.email)


def _webhooks(database: Database) -> Iterator[Finding]:
    with database.reading() as tx:
        webhooks, (waiting, _) = tx.webhooks.all(), tx.deliveries.count_open()
    yield check_webhooks(webhooks, waiting)


def _backups(database: Database, settings: Settings) -> Iterator[Finding]:
    with database.reading() as tx:
        yield check_backups(settings, read_state(tx), database.master_keys)


def _look_for_restored(database: Database) -> Iterator[Finding]:
    with database.reading() as tx:
        restored = read_restored(tx.key_value)
    yield from check_restored(restored)


def _partitions(database: Database) -> Iterator[Finding]:
    found = checkup.partitions(database)
    yield Finding("log partitions", "ok" if found.is_fine else "note", found.words)


def _seals(database: Database, settings: Settings) -> Finding:
    check, keys = "encrypted secrets", master_keys_of(settings)
    with database.reading() as tx:
        sealed = tx.sealed.all()
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
        return Finding(
            check, "wrong", f"{said}, but {audit_log.fault}. Once you know why, run on this node: ari audit accept"
        )
    if audit_log.head is None:
        return Finding(check, "ok", said)
    signed = f"head signed by {audit_log.head.instance} with key {audit_log.fingerprint}"
    if audit_log.head.accepted > audit_log.removed:  # an upgrade, an untrusted restore, or ari audit accept
        found = f"the first {audit_log.head.accepted - audit_log.removed:,} were signed later, not when written"
        return Finding(check, "note", f"{said}; {signed}; {found}")
    return Finding(check, "ok", f"{said}; {signed}")
