"""Start the server: bind the port, migrate the database, create the owner, fork the workers."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import structlog

from ari import server
from ari.accounts import setup, two_factor
from ari.base import owner_mark, server_url
from ari.base.environment import kubernetes_variables, kubernetes_words, unknown_variables
from ari.base.errors import ConfigurationError
from ari.base.file_settings import environment_name, file_fields
from ari.base.idempotency import PASSING_KINDS, forget_undecryptable
from ari.base.log import configure_log
from ari.base.messages import EMAIL_IS_OFF
from ari.base.seal import find_missing_keys, get_sealed, words_for
from ari.base.secret_file import SUFFIX
from ari.base.settings import Settings
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.credentials import KIND as PROVIDER_KEY
from ari.integrations.environment import ProviderEnvironment, key_variables, read_environment
from ari.notifications.model import SEALED_KIND
from ari.serving import fold_process, worker
from ari.serving.os_limits import no_core_dumps, raise_open_files
from ari.serving.supervisor import Supervisor
from ari.storage.checkup import prove_verification
from ari.storage.engine import KEYS_FILE, STAGING_FILE, USAGE_FILE
from ari.storage.failover.history import WentBack
from ari.storage.wal import remove_wal

_SECRETS = [environment_name(field) for field in ("admin_email", "master_key", *file_fields(Settings))]
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
_MARGIN_SECONDS = 2.0
UNREAD_SECONDS = 30
"""How long a client may leave a response unread before its connection is closed."""


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
    listener = _bind(settings)
    trusted, link, mails = True, None, True
    try:
        link, mails = _prepare(settings, given, new_instance=new_instance)
    except WentBack:
        # Serve anyway: every response is a 503 with the reason, until an operator accepts the database.
        trusted = False
    forget_secrets()
    settings = settings.model_copy(update={"admin_email": None, "admin_password": None})
    _listen(listener, settings)
    print(link or f"ARI is running at {settings.base_url}", flush=True)
    if not settings.loopback_only and settings.public_url is None:
        print(ONE_ADDRESS.format(settings.base_url), flush=True)
    if not mails:
        print(EMAIL_IS_OFF, flush=True)
    supervisor = _supervisor(settings, listener, given, trusted=trusted)
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
        prove_verification(instance.database)
        _refuse_lost_master_key(instance)
        link = _prepare_owner(instance, new_instance=new_instance)
        instance.database.history.forget_if_empty()
        asyncio.run(instance.mail.refresh(Deps(instance)))
        return link, instance.mail.config.can_send
    finally:
        instance.close()


def _supervisor(
    settings: Settings, listener: socket.socket, given: ProviderEnvironment, *, trusted: bool = True
) -> Supervisor:
    """Build the app once, so that every worker is forked with it and a replacement serves immediately."""
    presence = server.Presence(settings.workers)
    instance = Instance.open(settings, check=trusted, given=given)
    app = server.build_app(instance, presence)
    instance.close_connections()  # each worker opens its own after the fork

    def work(number: int) -> int:
        presence.number = number
        return worker.work(app, listener, settings)

    return Supervisor(
        workers=settings.workers,
        work=work,
        fold=lambda: fold_process.work(instance),
        serves=presence.serves,
        gone=presence.leave,
        listener=listener,
        # The usage log gives up flushing after twice the patience of a caller.
        stop_seconds=settings.stop_seconds + 2 * settings.usage_wait_seconds + _MARGIN_SECONDS,
    )


def _bind(settings: Settings) -> socket.socket:
    """Bind the port without listening yet. Raises ``ConfigurationError``."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
        listener.bind(address)
    except OSError as error:
        raise _make_listen_error(settings, error) from None
    except UnicodeError:
        raise ConfigurationError("ARI_HOST: isn't a valid host name; use an address such as 127.0.0.1.") from None
    return listener


def _report_variables(environment: Mapping[str, str]) -> None:
    """Warn about variables that look like settings but have no effect."""
    log = structlog.get_logger("ari.serving")
    for unknown in unknown_variables(environment):
        log.warning(unknown.words)
    foreign = kubernetes_variables(environment)
    if foreign:
        log.info(kubernetes_words(foreign))


def _listen(listener: socket.socket, settings: Settings) -> None:
    try:
        listener.listen(worker.BACKLOG)
    except OSError as error:
        raise _make_listen_error(settings, error) from None


def _make_listen_error(settings: Settings, error: OSError) -> ConfigurationError:
    reason = (error.strerror or "can't be used").lower()
    return ConfigurationError(
        f"Can't listen on {settings.host} port {settings.port}: {reason}. Choose another with --host or --port."
    )


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
    for name in (*SECRET_VARIABLES, *key_variables()):
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
