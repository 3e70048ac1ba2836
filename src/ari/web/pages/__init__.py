"""One folder a page: its routes beside its templates."""
