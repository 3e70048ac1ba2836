"""Links that were mailed: to set a password anew, to confirm another address."""
