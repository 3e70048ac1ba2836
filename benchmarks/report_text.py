"""The fixed texts of the page ``docs/reference/benchmarks.md``."""

NOTE = "<!-- Written by `make bench`: run it again instead of editing this page. -->\n"
INTRO = """\
Figures from one machine on one day. Compare ratios, not figures, and treat less than ±30 % as noise where the ranges
are wide. All ratios are from one run. `make bench` [measures again](../guides/benchmark.md)."""
WHY = """\
[The lab notebook](../../benchmarks/NOTES.md#missed-targets) explains where the time goes and why targets
are missed."""
OPTIONS = """\
Options: `make bench ARGS="--rounds 3 --seconds 2 --only 'me|bad' --no-peers --large --quick --limit 60"`; `--list`
prints the names for `--only`. With `--only`, `--no-peers` or `--quick` this page isn't written. Peers and large data
sets are cached in `~/.cache/ari-bench` (`ARI_BENCH_CACHE`). PostgreSQL is used at 127.0.0.1:5432 or at
`ARI_BENCH_DATABASE_URL`. All single figures are in `build/bench/results.json`."""
WORKERS = """\
Here servers may use every core, also that of the load generator, which takes its share of the rates: compare processor
time. **Workers** are all processes but the one that folds the usage log, which **all** adds; **PostgreSQL** is the
database server's own time. 64 connections in all, spread evenly over the nodes."""
METHOD = """\
- Every server gets a new process on one core. The load generator (`wrk`, one thread, 64 connections unless noted,
  closed loop) runs on another. One second of load warms a server up before it is measured.
- The traffic is that of a server behind a proxy: each request has its own `x-request-id` and `traceparent`, one of 50
  user agents, and one of 200 client addresses in `X-Forwarded-For`, which ARI trusts (`ARI_TRUSTED_PROXIES`). The bare
  server and the peers get the same requests. Only the row that says so repeats one head for each key.
- Rounds are interleaved, and every other round runs in reverse order. The bare server (raw ASGI, served exactly as
  `ari serve` serves, the same requests) is measured immediately before and after each row; **× bare** is the row's
  rate over the mean of these two. Ratios between two rows compare their × bare within one round, so a slow phase of
  the machine slows both sides.
- Figures are medians over the rounds, with the minimum and maximum in parentheses. **CPU µs** is the processor time
  of the server's processes per response (without a PostgreSQL server), and **× bare by CPU** the bare server's over
  it. It includes the folding that ARI does afterwards: on a saturated core most of it waits until the load ends.
  Where the two × bare differ otherwise, something else used the server's core. **errors** is the share of requests
  without the expected response; only expected responses count in the rate. p50 and p99 in the first table are those
  of a saturated server, so they mirror the rate.
- 1,000 keys are used in random order (10,000 in larger tables, spread over them). ARI verifies each request against
  the database and commits its usage row before it responds. PostgreSQL runs as found, without its own core. All data
  are on the same disk.
- The bare server, the peers and nginx respond with the same five fields of JSON (65 bytes); ARI's `GET /api/me` with
  the data of the key (about 400 bytes). Routes of FastAPI, Django and Flask are the same with and without a guard.
- With more keys, compare **CPU µs**, folding included: a rate over four seconds depends on whether a fold falls into
  them.
- Latency at 70 % of capacity is an open loop (`benchmarks/paced.py`, 256 connections): requests are sent by the
  clock, and their latency counts from when they were due, so a stalled server can't hide its stall. Each server's
  capacity is measured immediately before, in the same round, long enough to include folding.
- Peers in Python run on the same interpreter as ARI. An interpreter compiled without profile-guided optimization,
  pyenv's default, takes about a tenth longer per request;
  see "call a Python function that does nothing" under Verification in process.
- The AI gateways forward the same chat to the same provider in the same rounds, one process on the server's core and
  one at a time. LiteLLM's proxy runs with the settings that its documentation gives for production, with a master key
  and without a database, so it checks one key and logs nothing; Portkey's gateway runs without its console and checks
  no keys. ARI verifies the key, logs each request before it forwards it, and counts tokens and cost. A streamed chat
  has 16 events, all sent at once. The provider is local, responds immediately, and shares the load generator's core.
  Before another gateway is loaded, the one before has become idle. Memory counts all processes (PSS) after the load.
- Delays are measured at 200 requests a second sent by the clock, those of the first event at 50.
- Peers run in the configuration that suits them best, on the same core, with as little as possible around them.
  keyshield as documented runs on one connection for at least ten seconds, because more connections make it fail on a
  locked database. Better Auth's own rate limit is raised, otherwise it refuses after ten requests a day. nginx looks
  keys up by their SHA-256, as ARI does, in memory that its Lua code filled at startup."""
