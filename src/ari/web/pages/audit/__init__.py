"""Settings > Audit: all events, their details, exports, and the verification of the chain."""
