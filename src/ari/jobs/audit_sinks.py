"""The places to which settings say that the audit log is copied."""

from collections.abc import Callable
from functools import partial

from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit_delivery import AuditSink, AuditThreads
from ari.jobs.audit_file import AuditFile
from ari.jobs.audit_syslog import AuditSyslog
from ari.outbound.syslog import SyslogConnection


def start_audit_threads(instance: Instance) -> AuditThreads:
    """Begin to deliver to every sink; the threads look whether another process does it already."""
    return AuditThreads(Deps(instance), _list_makers(instance))


def _list_makers(instance: Instance) -> list[Callable[[], AuditSink]]:
    settings, found = instance.settings, list[Callable[[], AuditSink]]()
    if settings.audit_file is not None:
        found.append(partial(AuditFile, Deps(instance), settings.audit_file))
    url = settings.audit_syslog
    if url is not None:
        files = settings.audit_syslog_ca_file, settings.audit_syslog_client_file
        found.append(partial(AuditSyslog, Deps(instance), url, partial(SyslogConnection, url, *files)))
    return found
