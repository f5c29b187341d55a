#!/bin/sh
# Writes pictures of the main screens of a fresh demo company to docs/screenshots.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
celek="${CELEK:-$root/target/release/celek}"
. "$root/scripts/served.sh"
served "${PORT:-18090}"
CHROMIUM="$(sh "$root/scripts/chromium.sh")"
export CHROMIUM
cd "$root/web"
node e2e/pictures.mjs "${PICTURES:-$root/docs/screenshots}" "$@"
