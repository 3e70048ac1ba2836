"""The pages that explain the codes of errors."""
