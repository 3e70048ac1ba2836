"""The API docs: Scalar's reference of the OpenAPI document."""
