"""URLs of the list to jump from."""

JUMP = "/settings/jump"
RETURN_TO = (JUMP,)
