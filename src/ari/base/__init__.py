"""Floor 0: what everybody may use."""
