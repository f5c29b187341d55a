# Read by scripts that need a served demo company: `served PORT ARGUMENTS-OF-DEMO`. It needs $root and $celek, and leaves
# $folder, $server and CELEK_URL; all of it ends with the script.
served() {
    port="$1"; shift
    folder="$(mktemp -d)"
    server=
    trap unserved EXIT INT TERM
    "$celek" demo --db "sqlite:$folder/demo.db" "$@" >&2
    "$celek" serve --db "sqlite:$folder/demo.db" --listen "127.0.0.1:$port" >"$folder/server.log" 2>&1 &
    server=$!
    tries=0
    until node -e "fetch('http://127.0.0.1:$port/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { cat "$folder/server.log" >&2; exit 1; }
        sleep 0.2
    done
    export CELEK_URL="http://127.0.0.1:$port"
}
unserved() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
