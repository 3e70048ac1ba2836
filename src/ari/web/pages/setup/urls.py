"""URLs of the first run."""

SETUP = "/setup"
RETURN_TO = ()
