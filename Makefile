# Celek. `make run` and `make test` each do all their own set-up on a fresh Debian machine with Rust and Node.
PORT ?= 8080
DB   ?= data/demo.db
CARGO ?= cargo

.PHONY: run build test check fmt bench bench-web screenshots web setup setup-test clean

run: build
	@mkdir -p $(dir $(DB))
	@# A demo company that was interrupted while it was made is no demo company.
	@test -f $(DB) || { trap 'rm -rf $(DB) $(DB)-wal $(DB)-shm $(DB).files; exit 130' INT TERM; \
		target/release/celek demo --db sqlite:$(DB) || { rm -rf $(DB) $(DB)-wal $(DB)-shm $(DB).files; exit 1; }; }
	target/release/celek serve --db sqlite:$(DB) --listen 127.0.0.1:$(PORT)

build: web
	$(CARGO) build --release -p celek

# The client is built again only when something in it changed.
web: web/dist/index.html

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

web/node_modules/.installed: web/package-lock.json
	@sh scripts/need.sh node npm
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

test: web
	@sh scripts/test.sh

check: web
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	cd web && npm run check

fmt:
	$(CARGO) fmt --all

bench: build
	target/release/celek bench order-to-cash --callers 1
	target/release/celek bench order-to-cash --callers 64

# Speed of the client on many customers (CUSTOMERS=…), as JSON.
bench-web: build
	@sh scripts/bench-web.sh

# Pictures of the main screens, for the README and for looking at.
screenshots: build
	sh scripts/pictures.sh

clean:
	$(CARGO) clean
	rm -rf web/dist web/node_modules
