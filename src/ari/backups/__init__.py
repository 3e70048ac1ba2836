"""Scheduled backups: their names, when one is due, which are kept, and the result of the last one."""
