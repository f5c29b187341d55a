#!/bin/sh
# Runs a PostgreSQL server of its own for tests: in a new directory, reached by a socket in it, with durable settings, as a
# user without rights. Prints the address of the server and runs until its standard input ends; then stops it and removes
# the directory. So it never outlives whoever started it:  sh scripts/postgres.sh < pipe
set -eu

find_bin() {
    for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V -r) "$(pg_config --bindir 2>/dev/null || true)"; do
        [ -x "$bin/initdb" ] || continue
        major="$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')"
        [ "$major" -ge 15 ] && { echo "$bin"; return 0; }
    done
    return 1
}

bin="$(find_bin || true)"
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # The package would start a server of its own for everybody: it is told not to.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
    bin="$(find_bin || true)"
fi
if [ -z "$bin" ]; then
    echo "The tests need PostgreSQL 15 or newer. As root: apt-get install postgresql" >&2
    exit 2
fi

folder="$(mktemp -d "${TMPDIR:-/tmp}/celek-pg-XXXXXX")"
run() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    # The server refuses to run as root.
    chown postgres "$folder"
    run() { (cd / && runuser -u postgres -- "$@"); }
fi
stop() {
    trap - EXIT INT TERM HUP
    run "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

run "$bin/initdb" -D "$folder/data" -U celek -A trust -E UTF8 --locale=C --no-sync >"$folder.log" 2>&1 ||
    { cat "$folder.log" >&2; rm -f "$folder.log"; exit 1; }
rm -f "$folder.log"
run sh -c "cat >>'$folder/data/postgresql.conf'" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
unix_socket_permissions = 0700
port = 5432
max_connections = 400
fsync = on
synchronous_commit = on
full_page_writes = on
CONF
url="postgres://celek@$(printf %s "$folder" | sed 's,/,%2F,g'):5432/postgres"
if [ -n "${CELEK_PG_TLS:-}" ]; then
    # Reached by the network too, encrypted only: a directory with server.crt and server.key, and a free port.
    cp "$CELEK_PG_TLS/server.crt" "$CELEK_PG_TLS/server.key" "$folder/data/"
    [ "$(id -u)" != 0 ] || chown postgres "$folder/data/server.crt" "$folder/data/server.key"
    chmod 600 "$folder/data/server.key"
    run sh -c "cat >>'$folder/data/postgresql.conf'" <<CONF
listen_addresses = '127.0.0.1'
port = $CELEK_PG_PORT
ssl = on
CONF
    run sh -c "printf 'local all all trust\nhostssl all all 127.0.0.1/32 trust\n' >'$folder/data/pg_hba.conf'"
    url="postgres://celek@127.0.0.1:$CELEK_PG_PORT/postgres"
fi
run "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w start >/dev/null 2>&1 </dev/null ||
    { cat "$folder/server.log" >&2; exit 1; }
echo "$url"
# Whoever started this ends it by closing the pipe, or by dying.
cat >/dev/null
