# Topicdesk. `make` lists what there is to make.
SHELL := /bin/bash
GO    ?= go
TOOL  := $(GO) tool -modfile=$(CURDIR)/tools/go.mod

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and start the service; without TELEGRAM_BOT_TOKEN with the built-in simulator
	@bin/topicdesk serve

.PHONY: build
build: ## Build bin/topicdesk, a static binary
	@echo "Compiling bin/topicdesk. The first time this takes a minute or two, later a few seconds."
	@CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/topicdesk ./cmd/topicdesk

# The race detector is not asked about each access of SQLite's: that is C in the words of Go, whose memory is not Go's, so that it
# passes over them anyhow, and asking takes a third of the time of some tests. Not so for the other packages of modernc.org: they would
# bring along uninstrumented copies of generic functions that everything uses (docs/decisions.md, D45).
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false

# A test that fails is run again by itself, at most twice, and all that it printed stays in the output: these tests start processes and
# servers, and a machine that is busy for half a minute must not refuse a day's work. A fault fails three times; so do four tests that
# fail together, a data race and a panic. Whoever sees "DONE 2 runs" mends the test, or the fault that it found.
TEST := $(TOOL) gotestsum --format pkgname --format-hide-empty-pkg --rerun-fails=2 --rerun-fails-max-failures=3 \
	--rerun-fails-run-root-test --rerun-fails-abort-on-data-race

.PHONY: test
test: ## Run the tests with the race detector (15 to 20 minutes on 2 cores)
	@$(MAKE) --no-print-directory -j2 test-desk test-servers # side by side: both wait a good part of their time

.PHONY: test-desk
test-desk: # all but what follows
	$(TEST) --packages ./... -- $(RACE) -timeout 20m

.PHONY: test-servers
test-servers: # MongoDB's protocol, S3 and etcd, with servers of the tests' own
	cd storage/mongodb/mongotest && $(TEST) --packages ./... -- -count=1 -timeout 20m # not with -race: FerretDB is too slow; anew each time, since it builds the program
	$(GO) test -tags s3 -run S3 ./storage/files
	$(TEST) --packages ./actors -- -run Cluster -timeout 10m # not with -race: a started cluster of Proto.Actor's always reports races
	$(TEST) --packages ./actors/internal/cluster -- -timeout 10m
	$(TEST) --packages ./cmd/topicdesk -- -run TestANode -timeout 10m

.PHONY: test-deploy
test-deploy: ## Check deploy/ against the types of compose, Kubernetes and Prometheus, which are many modules
	cd deploy/deploytest && $(GO) vet ./... && $(GO) test ./...

.PHONY: test-fast
test-fast: ## Run the tests without the race detector and without the long ones (within a minute on 2 cores)
	$(GO) test -short -p 4 -parallel 4 ./... # more at a time than there are cores: they wait half of their time

.PHONY: test-long
test-long: ## Run the long tests too: more crashes, more load, more random runs
	TOPICDESK_LONG=1 $(GO) test $(RACE) -count=1 -timeout 90m ./...
	TOPICDESK_LONG=1 $(GO) test -C storage/mongodb/mongotest -count=1 -timeout 90m ./... # and the rest not with -race either, as in test-servers
	TOPICDESK_LONG=1 $(GO) test ./actors -run Cluster -count=1 -timeout 90m
	TOPICDESK_LONG=1 $(GO) test ./actors/internal/cluster -count=1 -timeout 30m
	TOPICDESK_LONG=1 $(GO) test ./cmd/topicdesk -run 'TestANode|TestStartWithManyOpenTickets|TestMetricsOfALargeDesk' -count=1 -timeout 30m # 100,000 tickets

.PHONY: bench
bench: build ## Measure this machine: bin/topicdesk bench
	bin/topicdesk bench
	bin/topicdesk bench api
	bin/topicdesk bench api --tickets 1000000

.PHONY: gen
gen: ## Generate messages/*.pb.go, storage/metered/methods.go, .env.example, docs/openapi.yaml, docs/events.md, and the tables of docs/settings.md and docs/api.md
	$(TOOL) buf generate
	$(GO) generate ./storage/metered ./config ./http

.PHONY: lint
lint: ## Check format, Go (.golangci.yml) and the protobuf files
	@$(TOOL) golangci-lint fmt --diff || { echo "these files need 'make fmt'"; exit 1; }
	$(TOOL) golangci-lint run
	$(GO) vet -C storage/mongodb/mongotest ./...
	$(TOOL) buf lint
	$(TOOL) buf breaking --against messages/testdata/released.binpb # nodes of two releases talk to each other during an upgrade

.PHONY: lint-api
lint-api: ## Lint docs/openapi.yaml, with npx
	npx --yes @redocly/cli@2.77.0 lint --config docs/redocly.yaml docs/openapi.yaml </dev/null

.PHONY: fmt
fmt: ## Format the Go files
	gofmt -w .

.PHONY: clean
clean: ## Remove what was built; data/ stays
	rm -rf bin
	$(GO) clean -testcache
