#!/bin/sh
# What Python packages cannot bring: a browser, curl for the examples that people will paste, and, where every test must
# run, PostgreSQL, PgBouncer, the proxies nginx (with Lua, for a benchmark), HAProxy and Apache (with LuaSocket),
# wrk, systemd-analyze, Prometheus with promtool, rsyslog with TLS, and debootstrap for the container image.
# Chromium without windows of its own takes a third of the processor time, so it is asked for first.
set -u
BROWSERS="chromium-headless-shell chromium chromium-browser google-chrome"
LOG=build/system.log

has() {
	for name; do command -v "$name" >/dev/null 2>&1 && return; done
	return 1
}

has_postgres() {
	test -n "${ARI_TEST_DATABASE_URL:-}" || has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

wants_postgres() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has_postgres
}

wants_nginx() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 || return
	{ ! has nginx && ! test -x /usr/sbin/nginx; } || ! test -e /usr/lib/nginx/modules/ngx_http_lua_module.so
}

wants_wrk() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has wrk
}

wants_haproxy() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has haproxy && ! test -x /usr/sbin/haproxy
}

wants_apache() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 || return
	! test -x /usr/sbin/apache2 || ! test -e /usr/share/lua/5.3/socket.lua
}

wants_systemd() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has systemd-analyze
}

wants_prometheus() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 || return
	! has prometheus || ! has promtool
}

wants_rsyslog() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 || return
	{ ! has rsyslogd && ! test -x /usr/sbin/rsyslogd; } || ! ls /usr/lib/*/rsyslog/lmnsd_gtls.so >/dev/null 2>&1
}

wants_debootstrap() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has debootstrap && ! test -x /usr/sbin/debootstrap
}

wants_pgbouncer() {
	test "${ARI_TEST_REQUIRE_ALL:-0}" != 0 && ! has pgbouncer && ! test -x /usr/sbin/pgbouncer
}

install() {
	DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends "$1" >>"$LOG" 2>&1
}

wants_any() {
	wants_postgres || wants_pgbouncer || wants_nginx || wants_haproxy || wants_apache || wants_wrk || wants_systemd ||
		wants_prometheus || wants_rsyslog || wants_debootstrap
}

if has curl && has chromium-headless-shell && ! wants_any; then exit 0; fi

if test "$(id -u)" = 0 && has apt-get && ! test -e build/.system-9; then
	mkdir -p build
	echo "Installing what the tests need from the system's packages (first run only) …"
	timeout 120 apt-get update -qq >"$LOG" 2>&1
	has curl || install curl
	has chromium-headless-shell || install chromium-headless-shell || has $BROWSERS || install chromium
	if wants_postgres; then install postgresql; fi
	if wants_pgbouncer; then install pgbouncer; fi
	if wants_nginx; then install nginx && install libnginx-mod-http-lua; fi
	if wants_wrk; then install wrk; fi
	if wants_systemd; then install systemd; fi
	if wants_debootstrap; then install debootstrap; fi
	if wants_prometheus; then install prometheus; fi
	if wants_rsyslog; then install rsyslog && install rsyslog-gnutls; fi
	if wants_haproxy; then install haproxy; fi
	if wants_apache; then install apache2-bin && install lua-socket; fi
	touch build/.system-9
fi

missing() {
	echo "Not found: $1 - install your system's package of that name, else its tests are skipped (see $LOG)."
}
has curl || missing curl
has $BROWSERS || missing chromium
