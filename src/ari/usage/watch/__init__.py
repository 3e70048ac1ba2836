"""The watch over unexpected activity: one rule a file, each a pure function over what was counted."""
