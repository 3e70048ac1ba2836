"""Traces with OpenTelemetry, for instances that turn them on. Only this package imports OpenTelemetry. Decision 80."""
