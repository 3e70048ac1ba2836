"""ARI measured beside its peers: ``make bench``. How and why: ``docs/reference/benchmarks.md``, which the command writes."""
