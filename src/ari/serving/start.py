"""Start the server: bind the port, migrate the database, create the owner, fork the workers."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import structlog

from ari import server
from ari.accounts import setup, two_factor
from ari.base import owner_mark, server_url
from ari.base.environment import kubernetes_variables, kubernetes_words, unknown_variables
from ari.base.errors import ConfigurationError, Unavailable, for_operator
from ari.base.file_settings import environment_names, file_fields
from ari.base.idempotency import PASSING_KINDS, forget_undecryptable
from ari.base.log import configure_log, name_worker
from ari.base.messages import EMAIL_IS_OFF
from ari.base.seal import find_missing_keys, get_sealed, words_for
from ari.base.secret_file import SUFFIX
from ari.base.settings import Settings
from ari.base.traces import SECRET_VARIABLES as TRACE_SECRETS
from ari.deps import Deps
from ari.http.dispatch import App
from ari.http.presence import Presence
from ari.instance import Instance, open_backup_target
from ari.integrations.credentials import KIND as PROVIDER_KEY
from ari.integrations.environment import ProviderEnvironment, key_variables, read_environment
from ari.jobs.leases import MAIL_STOP_SECONDS, STOP_SECONDS
from ari.jobs.scheduled_backup import record_failure
from ari.metrics.recording import Metrics
from ari.notifications.model import SEALED_KIND
from ari.serving import backup_process, fold_process, worker
from ari.serving.listening import Listener
from ari.serving.live_report import start_live_reports
from ari.serving.os_limits import no_core_dumps, raise_open_files
from ari.serving.supervisor import Supervisor
from ari.serving.trace_setup import Traces, prepare_traces, record_traces
from ari.storage.checkup import prove_verification
from ari.storage.failover.history import WentBack
from ari.storage.pending_restore import KEYS_FILE, STAGING_FILE, USAGE_FILE, remove_left_files
from ari.storage.wal import remove_wal

_SECRETS = [
    name for field in ("admin_email", "master_key", *file_fields(Settings)) for name in environment_names(field)
]
SECRET_VARIABLES = (*_SECRETS, *(name + SUFFIX for name in _SECRETS))
"""Removed from the environment after it is read, so that no child process inherits it."""
_REMEDIES = {two_factor.KIND: "ari account disable-two-factor", PROVIDER_KEY: "ari integrations remove PROVIDER"}
"""How to remove an encrypted secret, by its kind."""
ONE_ADDRESS = (
    "ARI only responds at {}. To use it from other machines, set ARI_PUBLIC_URL to the URL they use, such as "
    "http://nas.lan:3000."
)
RESPONSES_FORGOTTEN = (
    "The master key of the responses stored for Idempotency-Keys is missing, so they were deleted. Repeats of earlier "
    "requests are new requests."
)
_MARGIN_SECONDS = 2.0 + MAIL_STOP_SECONDS + STOP_SECONDS
"""The second and third part are for what sends emails and webhooks."""
_Sockets = Sequence[socket.socket]


def serve(settings: Settings, *, new_instance: bool = False) -> int:
    """Migrate, create the owner or print the setup link, and serve until a signal. Returns the exit status.

    Raises ``ConfigurationError``.
    """
    _refuse_open_http(settings)
    given = read_environment(os.environ)
    no_core_dumps()
    raise_open_files()
    configure_log(settings)
    _report_variables(os.environ)
    traces = prepare_traces(settings, os.environ)
    listeners = _bind(settings)
    trusted, link, mails = True, None, True
    try:
        link, mails = _prepare(settings, given, new_instance=new_instance)
    except WentBack:
        # Serve anyway: every response is a 503 with the reason, until an operator accepts the database.
        trusted = False
    forget_secrets()
    settings = settings.model_copy(update={"admin_email": None, "admin_password": None})
    for listener in listeners:
        listener.listen(worker.BACKLOG)
    print(link or f"ARI is running at {settings.base_url}", flush=True)
    if not settings.loopback_only and settings.public_url is None:
        print(ONE_ADDRESS.format(settings.base_url), flush=True)
    if not mails:
        print(EMAIL_IS_OFF, flush=True)
    supervisor = _supervisor(settings, [one.socket for one in listeners], given, traces, trusted=trusted)
    with _publish_url(settings):
        status = supervisor.run()
    if status == 0 and settings.database_url is None:
        for name in (KEYS_FILE, USAGE_FILE, STAGING_FILE):
            remove_wal(settings.data_dir / name)
    return status


@contextmanager
def _publish_url(settings: Settings) -> Iterator[None]:
    """Let the command line find the server's URL. The server runs without it if the disk is full."""
    with ExitStack() as stack:
        try:
            stack.enter_context(server_url.publish(settings.data_dir, settings.base_url))
        except OSError as error:
            structlog.get_logger("ari.serving").warning("can't write the server's URL", reason=error.strerror)
        yield


def _prepare(settings: Settings, given: ProviderEnvironment, *, new_instance: bool) -> tuple[str | None, bool]:
    """Migrate and create the owner. Returns the line with the setup link, if needed, and whether email is on."""
    instance = Instance.open(settings, migrate=True, given=given)
    try:
        if settings.database_url is None:
            remove_left_files(settings.data_dir)
        _check_backup_place(instance)
        prove_verification(instance.database)
        _refuse_lost_master_key(instance)
        link = _prepare_owner(instance, new_instance=new_instance)
        instance.database.history.forget_if_empty()
        asyncio.run(instance.mail.refresh(Deps(instance)))
        return link, instance.mail.config.can_send
    finally:
        instance.close()


def _check_backup_place(instance: Instance) -> None:
    """Count a failed backup if the place is away: callers need keys, not backups. Raises ``ConfigurationError``."""
    settings = instance.settings
    if settings.backup_to is None:
        return
    try:
        open_backup_target(settings, settings.backup_to)
    except Unavailable as error:
        reason = for_operator(error)
        structlog.get_logger("ari.backup").error("a backup would fail; will retry", reason=reason)
        with suppress(Unavailable):
            record_failure(Deps(instance), reason)


def _supervisor(
    settings: Settings, listeners: _Sockets, given: ProviderEnvironment, traces: Traces | None, *, trusted: bool = True
) -> Supervisor:
    """Build the app once, so that every worker is forked with it and a replacement serves immediately."""
    presence = Presence(settings.workers)
    instance = Instance.open(settings, check=trusted, given=given)
    app = server.build_app(instance, presence)
    instance.close_connections()  # each worker opens its own after the fork
    apps: list[App] = [app]
    if len(listeners) > 1:
        apps.append(server.build_metrics_app(app))
    metrics, fold_slot = instance.metrics, settings.workers
    metrics.share(settings.workers + 3)  # workers, fold, backup, and the parent
    metrics.take_slot(fold_slot + 2)

    def work(number: int) -> int:
        presence.number = number
        name_worker(number)
        metrics.take_slot(number)
        live = start_live_reports(settings.data_dir, f"worker-{number}", app.list_requests, metrics.list_failing_jobs)
        with record_traces(instance, traces):
            return worker.work(list(zip(apps, listeners, strict=True)), settings, live, instance.stopping.set)

    def fold() -> int:
        metrics.take_slot(fold_slot)
        start_live_reports(settings.data_dir, "fold")
        with record_traces(instance, traces):
            return fold_process.work(instance)

    def back_up() -> int:
        metrics.take_slot(fold_slot + 1)
        start_live_reports(settings.data_dir, "backup", list_failing_jobs=metrics.list_failing_jobs)
        with record_traces(instance, traces):
            return backup_process.work(instance)

    def note_end(number: int | None) -> None:
        if number is not None:
            presence.leave(number)
            metrics.forget_requests(number)

    return Supervisor(
        workers=settings.workers,
        work=work,
        others={"fold": fold} if settings.backup_to is None else {"fold": fold, "backup": back_up},
        serves=presence.serves,
        gone=note_end,
        replaced=partial(_note_replaced, metrics, fold_slot),
        listeners=listeners,
        stop_seconds=_find_stop_seconds(settings, traces),
    )


def _note_replaced(metrics: Metrics, fold_slot: int, kind: str) -> None:
    """Count a process that ended unexpectedly."""
    metrics.count_restart(kind)
    if kind == "fold":
        metrics.count_fold_crash(fold_slot)


def _find_stop_seconds(settings: Settings, traces: Traces | None) -> float:
    """How long a process may take to stop. The usage log gives up flushing after twice the patience of a caller."""
    sending = 0.0 if traces is None else traces.stop_seconds
    return settings.stop_seconds + 2 * settings.usage_wait_seconds + sending + _MARGIN_SECONDS


def _bind(settings: Settings) -> list[Listener]:
    """Bind the port, and the address of the metrics if there is one. Raises ``ConfigurationError``."""
    found = [Listener(settings.host, settings.port, "ARI_HOST", "Choose another with --host or --port.")]
    if settings.metrics_address is not None:
        parts = urlsplit(f"//{settings.metrics_address}")
        place = parts.hostname or "", parts.port or 0
        found.append(Listener(*place, "ARI_METRICS_ADDRESS", "Choose another ARI_METRICS_ADDRESS."))
    return found


def _report_variables(environment: Mapping[str, str]) -> None:
    """Warn about variables that look like settings but have no effect."""
    log = structlog.get_logger("ari.serving")
    for unknown in unknown_variables(environment):
        log.warning(unknown.words)
    foreign = kubernetes_variables(environment)
    if foreign:
        log.info(kubernetes_words(foreign))


def _prepare_owner(instance: Instance, *, new_instance: bool) -> str | None:
    """Create the owner from ``ARI_ADMIN_*``, or return the line with the setup link if there is no owner."""
    settings, deps = instance.settings, Deps(instance)
    had_owner = owner_mark.is_set(settings.data_dir)
    if settings.admin_email is not None and settings.admin_password is not None and not deps.read_sync(setup.has_owner):
        email, hashed = setup.admin_credentials(settings.admin_email, settings.admin_password.get_secret_value())
        deps.do_sync(setup.bootstrap_owner, email, hashed, new_instance=new_instance, had_owner=had_owner)
    token = deps.do_sync(setup.new_setup_token, new_instance=new_instance, had_owner=had_owner)
    if token is None:
        owner_mark.remember(settings.data_dir)
        return None
    return f"Create your owner account: {settings.base_url}/setup#token={token} (expires in 1 hour)"


def forget_secrets() -> None:
    """Remove the secrets from the environment."""
    for name in (*SECRET_VARIABLES, *TRACE_SECRETS, *key_variables()):
        os.environ.pop(name, None)


def _refuse_lost_master_key(instance: Instance) -> None:
    """Raise ``ConfigurationError`` if something lasting can't be decrypted. Emails and stored responses pass."""
    keys, deps = instance.master_keys, Deps(instance)
    lasting = [one for one in deps.read_sync(get_sealed) if one.context.kind not in (SEALED_KIND, *PASSING_KINDS)]
    missing = find_missing_keys(lasting, keys)  # an undecryptable email is dropped later; that must not stop the start
    if missing:
        named = ", ".join(words_for(one.context) for one in missing[:5])
        kinds = {one.context.kind for one in missing}
        remedies = [words for kind, words in _REMEDIES.items() if kind in kinds]
        raise ConfigurationError(
            f"The master key is missing from {keys.place}, but it is needed for: {named}. Restore the key or set "
            f"ARI_MASTER_KEY. If it is permanently lost, remove what it encrypted: {', '.join(remedies)}"
        )
    if deps.do_sync(forget_undecryptable):
        structlog.get_logger("ari.serving").warning(RESPONSES_FORGOTTEN)
    if not keys.is_own:
        keys.all()


def _refuse_open_http(settings: Settings) -> None:
    if not settings.loopback_only and not settings.secure and not settings.insecure_http:
        raise ConfigurationError(
            "Refusing to listen on a public address without https. Set ARI_PUBLIC_URL to your https URL, or pass "
            "--insecure-http."
        )
