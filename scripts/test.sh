#!/bin/sh
# All tests, in the order in which they fail soonest. Each step says what it does.
set -eu
cd "$(dirname "$0")/.."
step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

step "Formatting"
cargo fmt --all --check

step "Lints (warnings are errors)"
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "Client: types, unit tests, weight of the first load"
(cd web && npm run check && npm test && npm run size)

logs="$(mktemp -d)"
server=
finish() {
    # Closing the pipe ends the server.
    exec 9>&-
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$logs"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Runs tests, shows all but those that passed, and keeps everything in a log.
tests() {
    log="$1"; shift
    { "$@" 2>&1 9>&- || echo failed >"$log.failed"; } | tee "$log" | grep -v -e ' \.\.\. ok$' -e '^$' -e '^running 0' -e ' 0 passed; 0 failed' || true
    [ ! -e "$log.failed" ]
}
# How many tests of the suites passed, by a log.
passed() {
    awk '/Running tests\/suite/ { suite = 1 } /Running unittests|Doc-tests/ { suite = 0 }
        /^test result: ok/ && suite { sum += $4; suite = 0 } END { print sum + 0 }' "$1"
}

step "Rust: unit, integration and property tests, on SQLite"
tests "$logs/sqlite" cargo test --workspace --no-fail-fast

step "Rust: the suites once more, on a PostgreSQL server of their own"
mkfifo "$logs/hold" "$logs/url"
sh scripts/postgres.sh <"$logs/hold" >"$logs/url" &
server=$!
exec 9>"$logs/hold"
read -r CELEK_TEST_PG <"$logs/url" || exit 2
export CELEK_TEST_PG
tests "$logs/postgres" cargo test --workspace --test suite --no-fail-fast
unset CELEK_TEST_PG
echo "Suites passed: $(passed "$logs/sqlite") tests on SQLite, $(passed "$logs/postgres") on PostgreSQL."
[ "$(passed "$logs/sqlite")" = "$(passed "$logs/postgres")" ] || { echo "These numbers have to be the same." >&2; exit 1; }

step "Browser: the model scenario and the screens in Chromium"
CHROMIUM="$(sh scripts/chromium.sh)"
export CHROMIUM
sh scripts/browser.sh

step "Done"
