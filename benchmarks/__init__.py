"""ARI measured beside its peers: ``make bench``. How and why: ``docs/benchmarks.md``, which the command writes."""
