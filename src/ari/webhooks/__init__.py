"""Webhooks: events of the audit log, sent to URLs of the operator's."""
