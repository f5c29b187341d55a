#!/bin/sh
# Measures the client in a real browser, on a demo company with CUSTOMERS customers.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
celek="${CELEK:-$root/target/release/celek}"
. "$root/scripts/served.sh"
served "${PORT:-18091}" --customers "${CUSTOMERS:-500000}"
CHROMIUM="$(sh "$root/scripts/chromium.sh")"
export CHROMIUM
cd "$root/web"
node e2e/bench.mjs
