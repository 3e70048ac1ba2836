"""``make bench``: measure ARI next to its peers. The method is in ``docs/reference/benchmarks.md``, which it writes."""
