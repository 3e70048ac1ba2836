"""Pages behind emailed links: reset a password, confirm an email address."""
