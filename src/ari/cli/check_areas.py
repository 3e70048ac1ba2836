"""The checks of ``ari doctor`` by area, for people: an area that is well is one line."""

from collections.abc import Iterator, Mapping, Sequence

from ari.cli.finding import Finding

AREAS: Mapping[str, Sequence[str]] = {
    "server": ("server", "variables", "open-file limit", "public URL", "clock"),
    "storage": (
        "data directory",
        "database",
        "database server",
        "database files",
        "migrations",
        "tables",
        "verification",
        "disk",
        "standbys",
        "log partitions",
        "clock steps",
        "not checked",
    ),
    "owner": ("owner",),
    "provider keys": ("integrations", "encrypted secrets"),
    "email": ("email",),
    "webhooks": ("webhooks",),
    "usage log": ("usage log", "usage backlog", "set aside", "usage sums", "clickhouse"),
    "audit log": ("audit log", "audit log head", "audit log copies", "audit log to file", "audit log to syslog"),
    "backups": ("backups", "restored keys"),
}
"""The checks of each area; the first that was made describes an area that is well."""


def summarize(findings: Sequence[Finding]) -> Iterator[Finding]:
    """One finding for each area that is well, and of the others what isn't well."""
    for area, checks in AREAS.items():
        found = [one for check in checks for one in findings if one.check == check]
        if not found:
            continue
        unwell = [one for one in found if one.state != "ok"]
        yield from unwell or [Finding(area, "ok", found[0].message)]
