#!/bin/sh
# All tests, in the order in which they fail soonest. Each step says what it does.
set -eu
cd "$(dirname "$0")/.."
step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

step "Formatting"
cargo fmt --all --check

step "Lints (warnings are errors)"
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "Client: types and unit tests"
(cd web && npm run check && npm test)

step "Rust: unit, integration and property tests"
cargo test --workspace --quiet --no-fail-fast

step "Browser: the model scenario in Chromium"
CHROMIUM="$(sh scripts/chromium.sh)"
export CHROMIUM
sh scripts/browser.sh

step "Done"
