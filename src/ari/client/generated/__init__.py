"""What docs/generate.py writes from the OpenAPI document: models, operations, and the blocking client."""
