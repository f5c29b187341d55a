#!/bin/sh
# The model scenario and each family of screens in a real browser, against a demo company of its own.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
folder="$(mktemp -d)"
celek="${CELEK:-$root/${CARGO_TARGET_DIR:-target}/debug/celek}"
case "${CARGO_TARGET_DIR:-}" in /*) celek="${CELEK:-$CARGO_TARGET_DIR/debug/celek}" ;; esac
port="${E2E_PORT:-18080}"
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT INT TERM
"$celek" demo --db "sqlite:$folder/demo.db" >/dev/null
"$celek" serve --db "sqlite:$folder/demo.db" --listen "127.0.0.1:$port" >"$folder/server.log" 2>&1 &
server=$!
tries=0
until node -e "fetch('http://127.0.0.1:$port/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { cat "$folder/server.log"; exit 1; }
    sleep 0.2
done
export CELEK_URL="http://127.0.0.1:$port"
# Once at a desk, and once on a phone, in Czech and in the dark.
(cd "$root/web" && node e2e/scenario.mjs "$@" && node e2e/scenario.mjs --phone --language cs --scheme dark && node e2e/screens.mjs)
kill "$server"; wait "$server" 2>/dev/null || true; server=
"$celek" check --full --db "sqlite:$folder/demo.db" >"$folder/check.log" || { cat "$folder/check.log"; exit 1; }
echo "The scenario and all screens passed in the browser, and all invariants hold."
