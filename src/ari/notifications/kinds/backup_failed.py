"""Scheduled backups fail."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    detail = event.detail
    failures = detail.get("failures")
    return EmailContent(
        subject="Scheduled backups of ARI fail",
        summary="ARI couldn't write or verify a scheduled backup. It keeps trying.",
        facts=(
            *((("Failures in a row", str(failures)),) if isinstance(failures, int) else ()),
            ("Reason", text.defang(str(detail.get("reason") or "unknown"))),
            ("Last verified backup", facts.format_time(detail.get("verified_at_ms"), context)),
            ("When", context.format_time(event.at_ms)),
        ),
        advice="Run ari backup list and ari doctor on the server to see the state of your backups.",
        path="/settings/audit",
        button="View audit log",
    )


KIND = NoticeKind(
    name="backup_failed",
    events=("backup_failed",),
    title="Backup failed",
    description="When scheduled backups fail at least twice in a row, then once a day.",
    write=_write,
)
