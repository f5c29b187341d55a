#!/bin/sh
# Measures the client in a real browser, on a demo company with CUSTOMERS customers.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
celek="${CELEK:-$root/target/release/celek}"
folder="$(mktemp -d)"
port="${PORT:-18091}"
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT INT TERM
"$celek" demo --db "sqlite:$folder/demo.db" --customers "${CUSTOMERS:-500000}" >&2
"$celek" serve --db "sqlite:$folder/demo.db" --listen "127.0.0.1:$port" >"$folder/server.log" 2>&1 &
server=$!
tries=0
until node -e "fetch('http://127.0.0.1:$port/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat "$folder/server.log" >&2; exit 1; }
    sleep 0.2
done
CHROMIUM="$(sh "$root/scripts/chromium.sh")"
export CHROMIUM
cd "$root/web"
CELEK_URL="http://127.0.0.1:$port" node e2e/bench.mjs
