#!/bin/sh
# Makes sure that a Chromium is there for the browser tests, and prints its path.
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then command -v "$name"; exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2 \
        && command -v chromium && exit 0
fi
echo "The browser tests need Chromium. As root: apt-get install chromium" >&2
exit 2
