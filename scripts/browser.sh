#!/bin/sh
# The model scenario and each family of screens in a real browser, against a demo company of its own.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
celek="${CELEK:-$root/${CARGO_TARGET_DIR:-target}/debug/celek}"
case "${CARGO_TARGET_DIR:-}" in /*) celek="${CELEK:-$CARGO_TARGET_DIR/debug/celek}" ;; esac
. "$root/scripts/served.sh"
served "${E2E_PORT:-18080}"
# Once at a desk, and once on a phone, in Czech and in the dark.
(cd "$root/web" && node e2e/scenario.mjs "$@" && node e2e/scenario.mjs --phone --language cs --scheme dark && node e2e/screens.mjs)
kill "$server"; wait "$server" 2>/dev/null || true; server=
"$celek" check --full --db "sqlite:$folder/demo.db" >"$folder/check.log" || { cat "$folder/check.log"; exit 1; }
echo "The scenario and all screens passed in the browser, and all invariants hold."
