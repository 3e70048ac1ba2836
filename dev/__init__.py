"""The development loop behind ``make dev``; not part of the package."""
