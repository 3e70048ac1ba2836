"""URLs of the help about the keyboard."""

SHORTCUTS = "/shortcuts"
RETURN_TO = (SHORTCUTS,)
