"""URLs of the API docs."""

API_DOCS = "/api-docs"
RETURN_TO = (API_DOCS,)
