"""URLs of the page that asks for the password again."""

CONFIRM = "/confirm"
RETURN_TO = ()
