"""URLs of the API docs."""

API_DOCS = "/api-docs"
GROUP = f"{API_DOCS}/groups/{{number:int}}"
RETURN_TO = (API_DOCS,)


def group(number: int) -> str:
    """The list of endpoints of one tag."""
    return f"{API_DOCS}/groups/{number}"
