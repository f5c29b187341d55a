#!/bin/sh
# Says clearly what is missing before a long build fails on it.
for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "Celek needs '$tool', which is not installed. On Debian: apt-get install nodejs npm (Node 20 or newer)." >&2
        exit 2
    }
done
