"""One folder per page, with its routes and templates."""
